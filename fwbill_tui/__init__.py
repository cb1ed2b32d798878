"""fwbill: explore the billing and usage of the Fireworks AI inference platform in a terminal."""

__version__ = "0.1.0"
