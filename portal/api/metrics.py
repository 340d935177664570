"""The load of a machine: the samples its charts are drawn of."""

from __future__ import annotations

from rest_framework import serializers

from fabric.models import Load
from portal.api.frame.answer import Answer
from portal.api.frame.endpoint import answers
from portal.api.frame.fields import Asked, Shape
from portal.api.frame.formats import moment
from portal.api.machines import OfMachine

UNITS = {"cpu": "%", "memory": "MB", "storage": "IOPS", "network": "kB/s"}


class SampleShape(Shape):
    at = serializers.DateTimeField()
    value = serializers.FloatField()


class CurveShape(Shape):
    """One curve."""

    counter = serializers.ChoiceField(choices=list(Load.Counter.values))
    unit = serializers.CharField()
    synced_at = serializers.DateTimeField()
    samples = SampleShape(many=True)


class MetricsShape(Shape):
    frame = serializers.ChoiceField(choices=list(Load.Frame.values))
    results = CurveShape(many=True)


class MetricsFilter(Asked):
    frame = serializers.ChoiceField(default="hour", choices=list(Load.Frame.values))


class Metrics(OfMachine):
    @answers("Show the load of a machine", asks=MetricsFilter, gives=MetricsShape, etag=True)
    def get(self) -> Answer:
        """Over the last hour, day or month; a counter that was never measured is not there."""
        frame = self.asked["frame"]
        rows = list(
            self.machine.loads.filter(frame=frame)
            .order_by("counter")
            .values("counter", "samples", "times", "synced_at")
        )
        return Answer(
            lambda: {
                "frame": frame,
                "results": [
                    {
                        "counter": row["counter"],
                        "unit": UNITS.get(row["counter"], ""),
                        "synced_at": moment(row["synced_at"]),
                        "samples": [
                            {"at": at, "value": value}
                            for at, value in zip(row["times"], row["samples"], strict=False)
                        ],
                    }
                    for row in rows
                ],
            },
            columns=[[row["counter"], row["samples"], row["times"]] for row in rows],
        )
