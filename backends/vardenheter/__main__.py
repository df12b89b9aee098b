"""`python -m backends.vardenheter --port N`"""

from backends.serving import run
from backends.vardenheter.app import create

if __name__ == "__main__":
    run(create, "vardenheter", 9101)
