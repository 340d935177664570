"""ErrorInfo as VMM fills it: complete, never null, also for what went well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fabric.spf.schema import Row

_PARAMETERS = "System.Collections.Generic.Dictionary`2[System.String,System.String]"
_PLAIN: Row = {
    "CloudProblem": "",
    "DetailedCode": 0,
    "DetailedErrorCode": "",
    "DetailedSource": "None",
    "ErrorType": "Error",
    "IsConditionallyTerminating": False,
    "IsDeploymentBlocker": False,
    "IsMomAlert": False,
    "MessageParameters": _PARAMETERS,
    "MomAlertSeverity": "Error",
    "RecommendedActionCLI": "",
    "ShowDetailedError": False,
}
SUCCESS: Row = {
    **_PLAIN,
    "Code": "Success",
    "DisplayableErrorCode": 0,
    "ErrorCodeString": "0",
    "ExceptionDetails": "",
    "IsSuccess": True,
    "IsTerminating": False,
    "Problem": "",
    "RecommendedAction": "",
}


def error_info(fault: Mapping[str, Any]) -> Row:
    """A fault {code, message, advice} of a job or a machine."""
    code, message = fault.get("code") or "fault", fault.get("message") or "The job failed."
    return {
        **_PLAIN,
        "Code": code,
        "DisplayableErrorCode": 1,
        "ErrorCodeString": code,
        "ExceptionDetails": message,
        "IsSuccess": False,
        "IsTerminating": True,
        "Problem": message,
        "RecommendedAction": fault.get("advice") or "",
    }
