"""The server: a recogniser and the live rules over HTTP and WebSockets."""
