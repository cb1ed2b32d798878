"""The vendor's side of `gateway_check.py`: runs in an environment with fireworks-ai 0.19.20, and imports nothing of fwbill.

The account asked for says what to do: `status-CODE-headers` and `status-CODE-trailers` end the call with that status,
`empty` answers without a link, any other is answered with two links that echo the request and its key.
"""

from __future__ import annotations

import importlib.util
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import grpc

package = importlib.util.find_spec("fireworks")
assert package is not None
assert package.submodule_search_locations
# The generated code is imported as a package of its own: importing `fireworks` would start the whole SDK.
sys.path.insert(0, str(Path(package.submodule_search_locations[0], "control_plane", "generated")))
vendor = importlib.import_module("protos_grpcio.gateway.gateway_pb2_grpc")
billing = importlib.import_module("protos_grpcio.gateway.billing_pb2")


class Servicer(vendor.GatewayServicer):  # type: ignore[misc, name-defined]
    """The vendor's service with one call filled in."""

    def ExportBillingMetrics(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802 - the wire's name
        wanted = request.name.removeprefix("accounts/")
        if wanted == "empty":
            return billing.ExportBillingMetricsResponse()
        if wanted.startswith("status-"):
            _, code, place = wanted.split("-")
            if place == "trailers":
                context.send_initial_metadata(())
            context.abort(grpc.StatusCode[code], "said by the vendor's server")
        echo = {
            "name": request.name,
            "start": request.start_time.ToNanoseconds(),
            "end": request.end_time.ToNanoseconds(),
            "key": dict(context.invocation_metadata()).get("x-api-key"),
        }
        return billing.ExportBillingMetricsResponse(signed_urls=[f"https://one/?{urlencode(echo)}", "https://two/"])


def main() -> None:
    """Serve on a free port, which is printed, until standard input ends."""
    server = grpc.server(ThreadPoolExecutor(4))
    vendor.add_GatewayServicer_to_server(Servicer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    sys.stdin.read()
    server.stop(0).wait()


if __name__ == "__main__":
    main()
