"""schemas/*_pb2.py and .pyi are what the .proto files say: `make proto` brings them up to date."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import schemas

SCHEMAS = Path(schemas.__file__).parent


def test_generated_code_is_current(tmp_path: Path) -> None:
    protos = sorted(f"schemas/{path.name}" for path in SCHEMAS.glob("*.proto"))
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I.", f"--python_out={tmp_path}", f"--pyi_out={tmp_path}"]
    done = subprocess.run([*command, *protos], cwd=SCHEMAS.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    made = {path.name: path.read_text() for path in (tmp_path / "schemas").iterdir()}
    kept = {path.name: path.read_text() for path in SCHEMAS.glob("*_pb2.py*") if path.suffix in (".py", ".pyi")}
    assert len(made) == 2 * len(protos)
    assert made == kept
