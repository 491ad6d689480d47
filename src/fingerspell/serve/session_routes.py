"""`/v1/sessions`: making, reading, changing and forgetting the text of a client."""

from fastapi import FastAPI, Request, Response

from fingerspell.live import Live
from fingerspell.serve.gate import client_of
from fingerspell.serve.messages import SessionAnswer, word_of
from fingerspell.serve.problems import ANY_PROBLEM, several_processes
from fingerspell.serve.service import Service

_PROBLEMS = {404: ANY_PROBLEM["default"], **ANY_PROBLEM}


def add_session_routes(app: FastAPI, service: Service) -> None:
    """Adds the routes to an app. A session is named by whoever sends frames, or made here."""
    sessions = service.sessions

    async def told(name: str, live: Live) -> SessionAnswer:
        decoded = await service.traffic.run(service.word, live)
        return SessionAnswer(session_id=name, assembled_text=live.text, word=word_of(decoded))

    @app.post("/v1/sessions", status_code=201, responses=ANY_PROBLEM)
    async def create(request: Request) -> SessionAnswer:
        """Makes a session with a name that nobody can guess."""
        if not service.sessions_allowed:
            raise several_processes()
        return await told(sessions.create(client_of(request.scope)), Live())

    @app.head("/v1/sessions/{session_id}", include_in_schema=False)
    @app.get("/v1/sessions/{session_id}", responses=_PROBLEMS)
    async def read(session_id: str) -> SessionAnswer:
        """Returns a session's text."""
        return await told(session_id, sessions.read(session_id))

    @app.post("/v1/sessions/{session_id}/undo", responses=_PROBLEMS)
    async def undo(session_id: str) -> SessionAnswer:
        """Takes back the last sign of a session's text."""
        return await told(session_id, sessions.undo(session_id))

    @app.post("/v1/sessions/{session_id}/clear", responses=_PROBLEMS)
    async def clear(session_id: str) -> SessionAnswer:
        """Empties a session's text."""
        return await told(session_id, sessions.clear(session_id))

    @app.delete("/v1/sessions/{session_id}", status_code=204, responses=_PROBLEMS)
    async def forget(session_id: str) -> Response:
        """Forgets a session with its text."""
        sessions.forget(session_id)
        return Response(status_code=204)
