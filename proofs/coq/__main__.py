"""Write the register of statements: `python -m proofs.coq`. Read what has changed before it is committed.

Every theorem that a law names is registered, as it stands in the `.v` files now.
"""

import json
import sys

from proofs import LAWS
from proofs.coq import compiler, statements, tables


def main() -> int:
    """Register the theorems that laws name; return 1 if one is none, 2 without `coqc`."""
    coqc = compiler.program()
    if coqc is None:
        sys.stderr.write(f"coqc is not installed: {compiler.INSTALL}\n")
        return 2
    names = sorted({tables.LINK, *(name for law in LAWS.values() for name in law.theorems)})
    with compiler.compiled(coqc, compiler.sources()) as files:
        found = statements.stated(files, names)
        if missing := [name for name in names if name not in found]:
            sys.stderr.write(f"there is no theorem {', '.join(missing)}\n")
            return 1
        text = statements.readable(files, names)
    written = {name: {"statement": text[name], "sha256": found[name].digest} for name in names}
    statements.REGISTER.write_text(json.dumps(written, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
