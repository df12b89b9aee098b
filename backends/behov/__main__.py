"""`python -m backends.behov --port N`"""

from backends.behov.app import create
from backends.serving import run

if __name__ == "__main__":
    run(create, "behov", 9102)
