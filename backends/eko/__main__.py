"""`python -m backends.eko --port N`"""

from backends.eko.app import create
from backends.serving import run

if __name__ == "__main__":
    run(create, "eko", 9103)
