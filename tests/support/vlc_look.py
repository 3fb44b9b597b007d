"""VLC without a screen: plays an address, and tells what it would have shown, as JSON.

    vlc_look.py URL COUNT SECONDS    until so many pictures differed, or so long: {"size": [640, 480], "pictures": 8}

VLC's own program refuses to run as root; its library does not mind.
"""
import ctypes
import hashlib
import json
import sys
import threading

POINTER = ctypes.c_void_p
NUMBER = ctypes.POINTER(ctypes.c_uint)
FORMAT = ctypes.CFUNCTYPE(ctypes.c_uint, ctypes.POINTER(POINTER), POINTER, NUMBER, NUMBER, NUMBER, NUMBER)
LOCK = ctypes.CFUNCTYPE(POINTER, POINTER, ctypes.POINTER(POINTER))
DISPLAY = ctypes.CFUNCTYPE(None, POINTER, POINTER)


class Screen:
    """Libvlc's vmem: it draws into memory that we give it. Callbacks live as long as this."""

    def __init__(self, wanted):
        self.wanted, self.memory = wanted, None
        self.seen, self.done = set(), threading.Event()
        self.callbacks = FORMAT(self.set_format), LOCK(self.lock), DISPLAY(self.display)

    def set_format(self, _, chroma, width, height, pitches, lines):
        ctypes.memmove(chroma, b"RV32", 4)
        pitches[0], lines[0] = width[0] * 4, height[0]
        self.memory = ctypes.create_string_buffer(width[0] * height[0] * 4)
        return 1

    def lock(self, _, planes):
        planes[0] = ctypes.addressof(self.memory)
        return None

    def display(self, _, picture):
        self.seen.add(hashlib.sha256(self.memory.raw).digest())
        if len(self.seen) >= self.wanted:
            self.done.set()


def main(url, count, seconds):
    vlc = ctypes.CDLL("libvlc.so.5")
    for name in ("libvlc_new", "libvlc_media_new_location", "libvlc_media_player_new_from_media"):
        getattr(vlc, name).restype = POINTER
    words = (ctypes.c_char_p * 3)(b"--quiet", b"--no-audio", b"--ignore-config")
    media = vlc.libvlc_media_new_location(POINTER(vlc.libvlc_new(len(words), words)), url.encode())
    player = POINTER(vlc.libvlc_media_player_new_from_media(POINTER(media)))
    screen = Screen(int(count))
    set_format, lock, display = screen.callbacks
    vlc.libvlc_video_set_format_callbacks(player, set_format, None)
    vlc.libvlc_video_set_callbacks(player, lock, None, display, None)
    if vlc.libvlc_media_player_play(player):
        sys.exit(f"vlc cannot play {url}")
    screen.done.wait(float(seconds))
    width, height = ctypes.c_uint(), ctypes.c_uint()  # without what is added for the processor's sake
    vlc.libvlc_video_get_size(player, 0, ctypes.byref(width), ctypes.byref(height))
    vlc.libvlc_media_player_stop(player)
    print(json.dumps({"size": [width.value, height.value], "pictures": len(screen.seen)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
