"""The HTTP server: a recogniser and the live rules behind two addresses."""
