"""The gateway's messages: `gateway.proto` and what is generated from it (`python -m fwbill_tui.fireworks.proto`)."""
