"""Makes every Python that has this folder on PYTHONPATH one without TensorFlow."""

import sys
from importlib.machinery import ModuleSpec, PathFinder


class Without(PathFinder):
    """Finds everything but TensorFlow; `None` in `sys.modules` would look loaded to Keras."""

    @classmethod
    def find_spec(cls, fullname, path=None, target=None) -> ModuleSpec | None:  # type: ignore[no-untyped-def]
        if fullname.split(".")[0] == "tensorflow":
            return None
        return super().find_spec(fullname, path, target)


sys.meta_path = [Without if finder is PathFinder else finder for finder in sys.meta_path]
