"""A camera on the network for tests: GStreamer's RTSP server on 127.0.0.1, with a moving ball as JPEG (/jpeg) and as VP8 (/vp8).

usage: rtsp_server.py PORT (0: a free one); prints the port."""
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

BALL = "videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=240,framerate=25/1"
STREAMS = {
    "/jpeg": "jpegenc ! rtpjpegpay name=pay0",
    "/vp8": "vp8enc deadline=1 keyframe-max-dist=25 ! rtpvp8pay name=pay0",
}

Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(sys.argv[1])
for path, coder in STREAMS.items():
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_shared(True)
    factory.set_launch(f"( {BALL} ! {coder} )")
    server.get_mount_points().add_factory(path, factory)
assert server.attach(None), f"port {sys.argv[1]} is taken"
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
