# The pictures, which art/draw.py drew, and how they move.

image night = "images/night.webp"
image fog = "images/fog.webp"
image dawn = "images/dawn.webp"
image lamproom = "images/lamproom.webp"
image mara = "images/mara.webp"
image black = Solid("#05070f")

image beam:
    "images/beam.webp"
    anchor (0.5, 0.5)
    pos (306, 238)
    subpixel True
    alpha 0.75
    rotate_pad True
    rotate 0
    linear 9.0 rotate 360
    repeat

image beam still:
    "images/beam.webp"
    anchor (0.5, 0.5)
    pos (306, 238)
    rotate 24
    alpha 0.0
    ease 0.8 alpha 0.9

transform drift:
    subpixel True
    zoom 1.06 align (0.5, 0.5)
    xoffset -22
    ease 24.0 xoffset 22
    ease 24.0 xoffset -22
    repeat

transform on_the_jetty:
    subpixel True
    anchor (0.5, 1.0) pos (0.74, 1.0)
    yoffset 0
    ease 3.0 yoffset 7
    ease 3.0 yoffset 0
    repeat

define slow = Dissolve(1.2)
