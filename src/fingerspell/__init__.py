"""From class-sorted photographs of ASL handshapes to a recogniser proven on strangers."""

__version__ = "0.1.0"
