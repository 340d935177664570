"""What a machine reads when it first starts (cloud-init user data): its size and its form.

The data go to the guest as they are. A #cloud-config is read as YAML here, so that a slip shows at
the form and not as a machine that ignores it; nothing in it is built or run. PyYAML is there with
drf-spectacular.
"""

from __future__ import annotations

import yaml
from django.utils.translation import gettext as _

MOST_BYTES = 16 * 1024
CLOUD_CONFIG = "#cloud-config"


def problem(text: str) -> str | None:
    """Return what is wrong with user data, None when the guest can read them."""
    size = len(text.encode())
    if size > MOST_BYTES:
        return _("These are %(size)d bytes; at most %(most)d fit.") % {
            "size": size,
            "most": MOST_BYTES,
        }
    odd = next((c for c in text if not c.isprintable() and c not in "\t\r\n"), None)
    if odd is not None:
        return _("Line %(n)d holds a character that is not text.") % {
            "n": text[: text.index(odd)].count("\n") + 1
        }
    first = text.split("\n", 1)[0].strip()
    if first.replace(" ", "").lower() == CLOUD_CONFIG and first != CLOUD_CONFIG:
        return _("Write the first line as #cloud-config, without spaces, in small letters.")
    return _cloud_config_problem(text) if first == CLOUD_CONFIG else None


def _cloud_config_problem(text: str) -> str | None:
    """Return where a #cloud-config is no YAML, or no set of names and values."""
    try:
        problem = _shape_problem(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return _("Line %(n)d is not YAML: %(what)s.") % {
            "n": mark.line + 1 if mark else 1,
            "what": error.problem or error.context or "",
        }
    except (yaml.YAMLError, RecursionError):
        return _("This is not YAML.")
    return problem


def _shape_problem(text: str) -> str | None:
    """Read events only: they are as many as the text is long, whatever its anchors multiply to."""
    depth, names = 0, []
    is_name = True
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        opens = isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent)
        closes = isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent)
        if depth == 0 and isinstance(event, yaml.NodeEvent):
            if not isinstance(event, yaml.MappingStartEvent):
                return _("A #cloud-config is a list of names with values, such as packages: [git].")
        elif depth == 1 and isinstance(event, yaml.NodeEvent):
            if is_name and isinstance(event, yaml.ScalarEvent):
                if event.value in names:
                    return _("Line %(n)d: “%(name)s” stands here for the second time.") % {
                        "n": event.start_mark.line + 1,
                        "name": event.value,
                    }
                names.append(event.value)
            is_name = not is_name
        depth += opens - closes
    return None
