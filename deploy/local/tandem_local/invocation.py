"""How the command is called here: `make up` puts it into .venv, which is rarely on the PATH."""

import shutil
import sys
from pathlib import Path


def tandem(arguments: str) -> str:
    """What to type for `tandem` with these arguments."""
    here = Path(sys.executable).parent / "tandem"
    on_path = shutil.which("tandem")
    if on_path is not None and Path(on_path).resolve() == here.resolve():
        return f"tandem {arguments}"
    program = here.relative_to(Path.cwd()) if here.is_relative_to(Path.cwd()) else here
    return f"{program} {arguments}"
