"""Generates gateway_pb2.py and its stub from gateway.proto; see the head of that file for the command."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def main() -> int:
    """Write the generated files beside the .proto; returns protoc's exit code."""
    protoc = importlib.import_module("grpc_tools.protoc")
    root = Path(__file__).parents[3]
    source = Path(__file__).with_name("gateway.proto").relative_to(root)
    wellknown = Path(str(protoc.__file__)).parent / "_proto"
    return int(protoc.main(["protoc", f"-I{root}", f"-I{wellknown}", f"--python_out={root}", f"--pyi_out={root}", str(source)]))


if __name__ == "__main__":
    sys.exit(main())
