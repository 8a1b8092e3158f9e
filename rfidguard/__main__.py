"""`python -m rfidguard`; services use the installed script, which no stray `rules/` folder can shadow."""

from rfidguard.cli import main

if __name__ == "__main__":
    main()
