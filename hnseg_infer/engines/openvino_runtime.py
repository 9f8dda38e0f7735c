"""Imports OpenVINO such that nothing is reported to its maker.

Importing openvino sends a report. It does without where the package that sends cannot be imported, which is
what None stands for here.
"""

import sys

sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # None is what forbids an import

import openvino  # noqa: E402  # after what keeps it from reporting

__all__ = ["openvino"]
