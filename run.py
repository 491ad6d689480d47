"""One command from a fresh machine: `python run.py demo`, `test`, `serve`, `bench`, `doctor`.

Needs Python and nothing else. It makes `.venv` beside this file, installs the pinned requirements
once, and hands the rest of the command line to the program in there:

    python run.py demo                      the whole road on synthetic hands
    python run.py test [pytest arguments]   format, lint, types, tests
    python run.py bench NAME [arguments]    benchmarks/NAME.py, e.g. `bench speed/loader` (`bench
                                            speed/gpu` with this very Python, where it has
                                            PyTorch or JAX)
    python run.py VERB [arguments]          fingerspell VERB, e.g. `python run.py train --help`
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  (said in words an old Python can still parse)
    sys.stderr.write(
        "error: this is Python %d.%d\n" % sys.version_info[:2]  # noqa: UP031
        + "  expected: Python 3.11, 3.12 or 3.13\n"
        + "  to fix:   install one from python.org or your package manager, then start run.py\n"
        + "            with it, e.g. python3.12 run.py demo (Windows: py -3.12 run.py demo)\n"
    )
    sys.exit(2)

import hashlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent
BACKEND = ROOT / "backend"
NEWEST_TRAINING = (3, 13)  # TensorFlow 2.21 has no wheel for a newer Python.
SETS = {
    "server": ("requirements.txt",),
    "training": ("requirements_training.txt",),
    "test": ("requirements_training.txt", "requirements_test.txt"),
}
CONTAINS = {
    "server": ("server",),
    "training": ("server", "training"),
    "test": ("server", "training", "test"),
}
SPREAD = ["-n", "logical", "--maxprocesses=4", "--dist=loadfile", "--no-loadscope-reorder"]
GPU = "speed/gpu"  # The benchmark of the GPU.
LIGHT_VERBS = ("serve", "studio", "doctor", "predict", "synth", "verify")


class SetupError(Exception):
    """Something the user can put right: printed as three lines, exit code 2."""

    def __init__(self, found: str, expected: str, fix: str) -> None:
        super().__init__(f"{found}\n  expected: {expected}\n  to fix:   {fix}")


# --- what to install -------------------------------------------------------------------------


def wheel_for(system: str, machine: str, nvidia: bool) -> str:
    """Returns which TensorFlow wheel a machine wants: all of them hold the same module.

    PyPI has the small `tensorflow-cpu` for x86-64 Linux; elsewhere `tensorflow` is the
    processor's wheel already.
    """
    if system == "Linux" and nvidia:
        return "tensorflow[and-cuda]"
    if system == "Linux" and machine in ("x86_64", "AMD64"):
        return "tensorflow-cpu"
    return "tensorflow"


def has_nvidia() -> bool:
    """Says whether `nvidia-smi` answers with at least one GPU."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return False
    try:
        answer = subprocess.run([program, "-L"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and "GPU" in answer.stdout


def requirement_lines(name: str, wheel: str, folder: Path = BACKEND) -> "list[str]":
    """Reads a requirement file and those it names with `-r`; TensorFlow becomes `wheel`.

    `-c` lines are left out: pip gets the constraints by name.
    """
    lines: list[str] = []
    for raw in (folder / name).read_text(encoding="utf-8").splitlines():
        line = raw.split(" #")[0].strip()
        if line.startswith("-r "):
            lines += requirement_lines(line[3:].strip(), wheel, folder)
        elif line.startswith("tensorflow=="):
            lines.append(line.replace("tensorflow", wheel, 1))
        elif line and not line.startswith(("#", "-c ")):
            lines.append(line)
    return list(dict.fromkeys(lines))


def fingerprint(which: str, folder: Path = BACKEND) -> str:
    """Returns a hash over everything that decides what a set installs, apart from the wheel."""
    digest = hashlib.sha256()
    for name in (*SETS[which], "constraints.txt"):
        digest.update("\n".join(requirement_lines(name, "tensorflow", folder)).encode() + b"\n\n")
    return digest.hexdigest()


# --- the environment -------------------------------------------------------------------------


def stamp_path(env: Path) -> Path:
    """Where a finished installation is noted; written last, so an interrupted one leaves none."""
    return env / "fingerspell.json"


def read_stamp(env: Path) -> "dict[str, str]":
    """Reads the note of the last finished installation; {} where there is none."""
    try:
        body = json.loads(stamp_path(env).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return body if isinstance(body, dict) else {}


def write_stamp(env: Path, body: "dict[str, str]") -> None:
    """Notes a finished installation, in one step."""
    half = stamp_path(env).with_suffix(".part")
    half.write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")
    half.replace(stamp_path(env))


def fits(stamp: "dict[str, str]", env: Path) -> bool:
    """Says whether the environment is of this Python and in this place; it outlives neither."""
    here = identity(env)
    return {key: stamp.get(key) for key in here} == here


def identity(env: Path) -> "dict[str, str]":
    """The Python and the place that an environment is bound to."""
    return {"python": platform.python_version(), "place": str(env)}


def is_ready(stamp: "dict[str, str]", env: Path, which: str) -> bool:
    """Says whether `which` is installed as the requirement files ask now."""
    return fits(stamp, env) and stamp.get(which) == fingerprint(which)


def python_of(env: Path) -> Path:
    """Returns the environment's interpreter."""
    return env / "Scripts" / "python.exe" if os.name == "nt" else env / "bin" / "python"


def check_python(which: str, version: "tuple[int, int]") -> None:
    """Refuses a Python that TensorFlow has no wheel for, before anything is made."""
    if which != "server" and version > NEWEST_TRAINING:
        raise SetupError(
            found=f"Python {version[0]}.{version[1]}, for which TensorFlow has no wheel",
            expected="Python 3.11, 3.12 or 3.13",
            fix="start run.py with one of them, e.g. python3.13 run.py demo"
            " (Windows: py -3.13 run.py demo)",
        )


def check_venv() -> None:
    """Refuses a Python that cannot make environments (Debian and Ubuntu ship it apart)."""
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise SetupError(
            found=f"this Python has no module {' and '.join(missing)}",
            expected="a Python that can make a virtual environment",
            fix=f"Debian, Ubuntu: sudo apt-get install python{version}-venv;"
            " elsewhere: install Python from python.org",
        )


def make_environment(env: Path) -> None:
    """Makes an empty environment, clearing what stood there."""
    check_venv()
    import venv

    print(f"run.py: making {env}", flush=True)
    try:
        venv.EnvBuilder(clear=True, with_pip=True, symlinks=os.name != "nt").create(env)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SetupError(
            found=f"no environment could be made in {env} ({error})",
            expected="a folder that can be written, on a disk with room, and used by no program",
            fix="end programs that run from .venv, free some space, delete .venv, start again",
        ) from error


def pip(env: Path, arguments: "list[str]") -> None:
    """Runs pip in the environment, its messages shown and, should it fail, explained."""
    command = [str(python_of(env)), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    said: list[str] = []
    with subprocess.Popen(
        [*command, *arguments], stderr=subprocess.PIPE, encoding="utf-8", errors="replace"
    ) as child:
        for line in child.stderr or ():
            sys.stderr.write(line)
            said.append(line)
    if child.returncode != 0:
        raise explain("".join(said))


def explain(errors: str) -> SetupError:
    """Turns pip's last words into found / expected / fix."""
    expected = "every pinned package of backend/requirements*.txt"
    if "No space left" in errors or "Errno 28" in errors:
        return SetupError("the disk is full", "3 GB free", "free some space, then start again")
    if any(word in errors for word in NO_NETWORK):
        return SetupError(
            found="pip reached no package index (its messages stand above)",
            expected="a connection to a package index",
            fix="check the connection (behind a proxy: set HTTPS_PROXY), then start again;"
            " what was fetched already is in pip's cache",
        )
    last = next((x for x in reversed(errors.splitlines()) if x.startswith("ERROR")), "no reason")
    return SetupError(
        found=f"pip stopped: {last}",
        expected=expected,
        fix="delete .venv and start again; if it persists, this system may lack a wheel:"
        " Python 3.11 to 3.13 on 64-bit Linux, Windows or Apple silicon have all of them",
    )


NO_NETWORK = (
    "NewConnectionError",
    "Failed to establish a new connection",
    "Temporary failure in name resolution",
    "Name or service not known",
    "getaddrinfo failed",
    "ConnectTimeoutError",
    "ProxyError",
    "Network is unreachable",
    "Max retries exceeded",
)


def install(env: Path, which: str) -> None:
    """Installs a set and notes it; the old note goes first and the new one comes last."""
    stamp = read_stamp(env)
    check_python(which, sys.version_info[:2])
    stamp_path(env).unlink(missing_ok=True)
    if not (fits(stamp, env) and python_of(env).exists()):
        make_environment(env)
        stamp = identity(env)
    if "wheel" not in stamp:
        stamp["wheel"] = wheel_for(platform.system(), platform.machine(), has_nvidia())
    listed = env / "requirements.txt"
    lines = [line for name in SETS[which] for line in requirement_lines(name, stamp["wheel"])]
    listed.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    print(f"run.py: installing the {which} requirements, once", flush=True)
    constraints = str(BACKEND / "constraints.txt")
    # Python compiles what is imported, later; compiling all 19,000 files here takes 90 seconds.
    command = ["install", "--no-compile", "--requirement", str(listed)]
    pip(env, [*command, "--constraint", constraints])
    pip(env, ["install", "--no-deps", "--editable", str(ROOT)])
    write_stamp(env, {**stamp, **{name: fingerprint(name) for name in CONTAINS[which]}})


# --- the verbs -------------------------------------------------------------------------------


def call(command: "list[str]", folder: "Path | None" = ROOT) -> int:
    """Runs a program (`None`: where the user stands) and returns its exit code."""
    child = subprocess.Popen(command, cwd=folder, env={**os.environ, "PYTHONUTF8": "1"})
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            continue  # the child got the signal too and decides how to end


def test(python: str, arguments: "list[str]") -> int:
    """Format, lint, types, then the tests; the first failure's exit code, pytest's line last.

    All tests together run in a process a core, four at most: each holds TensorFlow's 2 GB.
    """
    folders = ["src", "tests", "backend", "benchmarks", "configs", "run.py"]
    sources = [name for name in folders if (ROOT / name).exists()]
    steps = {
        "ruff check": [python, "-m", "ruff", "check", *sources],
        "ruff format": [python, "-m", "ruff", "format", "--check", *sources],
        "mypy": [python, "-m", "mypy", "--strict"],
        "pytest": [python, "-m", "pytest", "-m", "not slow and not gpu", *(arguments or SPREAD)],
    }
    codes = {}
    for name, command in steps.items():
        print(f"run.py: {name}", flush=True)
        codes[name] = call(command)
    failed = [name for name, code in codes.items() if code]
    if failed:
        print(f"run.py: failed: {', '.join(failed)}", file=sys.stderr)
    return next((code for code in codes.values() if code), 0)


def benchmarks() -> "list[str]":
    """Returns the names that `bench` knows, e.g. `speed/loader`: files that are programs."""
    folder = ROOT / "benchmarks"
    return sorted(
        path.relative_to(folder).with_suffix("").as_posix()
        for path in folder.rglob("*.py")
        if '__name__ == "__main__"' in path.read_text(encoding="utf-8")
    )


def has_module(name: str) -> bool:
    """Says whether the Python that runs this has a module, without loading it."""
    return importlib.util.find_spec(name) is not None


def brings_gpu_backend(name: str) -> bool:
    """Says whether a benchmark is the GPU's, and this very Python has PyTorch or JAX for it.

    `.venv` has neither: the build that sees a GPU is one that its owner has chosen.
    """
    return name == GPU and any(has_module(one) for one in ("torch", "jax"))


def verbs() -> "tuple[str, ...]":
    """Returns the verbs of the `fingerspell` command (its parser needs no installed package)."""
    sys.path.insert(0, str(ROOT / "src"))
    from fingerspell.cli.main import COMMANDS

    return COMMANDS


def check_arguments(verb: str, rest: "list[str]") -> None:
    """Refuses an unknown verb or benchmark before anything is installed."""
    known = ("test", "bench", *verbs())
    if verb not in known:
        raise SetupError(
            found=f"unknown verb {verb!r}",
            expected=f"one of: {', '.join(known)}",
            fix="python run.py demo",
        )
    if verb == "bench" and (not rest or rest[0] not in benchmarks()):
        raise SetupError(
            found=f"no benchmark {rest[0]!r}" if rest else "bench without a name",
            expected=f"one of: {', '.join(benchmarks())}",
            fix=f"python run.py bench {next(iter(benchmarks()), 'NAME')}",
        )


def set_for(verb: str) -> str:
    """Returns the requirement set that a verb needs."""
    if verb == "test":
        return "test"
    return "server" if verb in LIGHT_VERBS else "training"


def start(verb: str, rest: "list[str]") -> int:
    """Installs what the verb needs, once, and runs it."""
    check_arguments(verb, rest)
    if verb == "bench" and brings_gpu_backend(rest[0]):
        return call([sys.executable, str(ROOT / "benchmarks" / f"{GPU}.py"), *rest[1:]])
    env = ROOT / ".venv"
    if not is_ready(read_stamp(env), env, set_for(verb)):
        install(env, set_for(verb))
    python = str(python_of(env))
    if verb == "test":
        return test(python, rest)
    if verb == "bench":
        return call([python, str(ROOT / "benchmarks" / f"{rest[0]}.py"), *rest[1:]])
    return call([python, "-m", "fingerspell", verb, *rest], folder=None)


def main(arguments: "list[str]") -> int:
    """The command line; what the user can put right becomes three lines and exit code 2."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(str(__doc__).strip())
        return 0 if arguments else 2
    try:
        return start(arguments[0], arguments[1:])
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped by Ctrl-C", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
