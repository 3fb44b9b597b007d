"""What holds for all end-to-end tests: their marks. `make check` runs two files at a time, and then, alone, those that are marked quiet."""


def pytest_configure(config):
    config.addinivalue_line("markers", "quiet: says how long something took, or rides in real time: nothing else shall run beside it")
