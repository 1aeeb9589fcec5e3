# The screens of the sign-in:
#
#     call screen sudomimus_login      returns True (signed in) or False (play offline)
#     call screen sudomimus_share      returns True (the page is finished, or nothing was owed) or False
#
# They use the game's styles: `sudomimus_frame` is a `frame`, `sudomimus_button` a `button`, and so on. A game may change any
# style below with style statements of its own, and translate the texts as it does its own. Some translations are in the folder
# `translations`. The tag {#sudomimus} is not shown: it distinguishes these texts from the game's own, such as "Cancel". Do not
# edit this file, so that `sudomimus-bridge renpy install` can replace it by a newer one.

init offset = -1

# The two screens that a game calls ##########################################################################################

screen sudomimus_login():
    modal True
    zorder 200
    # The sign-in starts by itself only if the player reaches this screen going forward, not by rolling back.
    default by_itself = sudomimus._supported() and not renpy.in_rollback()
    default begun = sudomimus._busy()

    if by_itself and not begun:
        timer 0.01 action [SetScreenVariable("begun", True), Function(sudomimus._begin_login)]
    timer 0.1 repeat True action Function(sudomimus._login_ended, begun, _update_screens=False)

    add "sudomimus_shade"
    if sudomimus.errand_url():
        use sudomimus_page(_("Finish in your browser{#sudomimus}"))
    elif sudomimus._busy() or (by_itself and not begun) or (begun and sudomimus.status == "signed-in"):
        use sudomimus_busy(_("Signing in{#sudomimus}"), _("Play offline{#sudomimus}"), [Function(sudomimus.play_offline), Return(False)])
    elif sudomimus.status == "signed-in":
        use sudomimus_settled(_("You are signed in{#sudomimus}"), True)
    else:
        use sudomimus_question(
            _("You are not signed in{#sudomimus}"),
            sudomimus._escaped(sudomimus.error) or __("Sign in now, or play offline."),
            _("Try again{#sudomimus}") if sudomimus.error else _("Sign in{#sudomimus}"),
            [SetScreenVariable("begun", True), Function(sudomimus.login)],
            _("Play offline{#sudomimus}"),
            [Function(sudomimus.play_offline), Return(False)])

screen sudomimus_share():
    modal True
    zorder 200
    default by_itself = sudomimus._supported() and not renpy.in_rollback()
    default begun = sudomimus._busy()

    if by_itself and not begun:
        timer 0.01 action [SetScreenVariable("begun", True), Function(sudomimus.share)]
    timer 0.1 repeat True action Function(sudomimus._share_ended, begun, _update_screens=False)

    add "sudomimus_shade"
    if sudomimus.errand_url():
        use sudomimus_page(_("Finish in your browser{#sudomimus}"))
    elif sudomimus._busy() or (by_itself and not begun) or (begun and sudomimus._shared()):
        use sudomimus_busy(_("One moment{#sudomimus}"), _("Cancel{#sudomimus}"), [Function(sudomimus.cancel), Return(False)])
    else:
        use sudomimus_question(
            _("Nothing was shared{#sudomimus}") if begun else _("Share more with this game{#sudomimus}"),
            sudomimus._escaped(sudomimus.error) or __("A page in your browser asks what you would like to share."),
            _("Try again{#sudomimus}") if begun else _("Open the page{#sudomimus}"),
            [SetScreenVariable("begun", True), Function(sudomimus.share)],
            _("Never mind{#sudomimus}"),
            Return(False))

# Their parts ################################################################################################################

# `default_focus` rises with each screen, so the focus of keyboard and gamepad moves to it. While the sign-in is busy, no button
# has the focus, because the page may be finished at the moment when the player presses "I'm done".

screen sudomimus_busy(title, leave, leaving):
    style_prefix "sudomimus"

    frame:
        vbox:
            label title
            hbox:
                style "sudomimus_dots"
                for i in range(3):
                    text "•" style "sudomimus_dot_text" alt ("" if i else _("Please wait, this may take a moment")) at sudomimus_breathe(0.2 * i)
            hbox:
                textbutton leave action leaving
    key "game_menu" action leaving

screen sudomimus_page(title):
    style_prefix "sudomimus"

    frame:
        hbox:
            style "sudomimus_columns"
            add DynamicDisplayable(sudomimus._qr_code) align (0.5, 0.5)
            vbox:
                label title
                if sudomimus._browser_opened():
                    text _("A page has opened in your browser. Come back here when you are done.")
                    text _("No page in sight? Scan the code, or open this address:") style "sudomimus_hint_text" size sudomimus._smaller("hint_text")
                else:
                    text _("Open this page in a browser. Scan the code with your phone, or use the address:")
                text sudomimus._escaped(sudomimus.errand_url() or "") style "sudomimus_address_text" size sudomimus._smaller("address_text") substitute False alt _("the page's address")
                hbox:
                    textbutton (_("Copied{#sudomimus}") if sudomimus._copied() else _("Copy the address{#sudomimus}")):
                        style "sudomimus_small_button"
                        text_size sudomimus._smaller("small_button_text")
                        action Function(sudomimus._copy_address)
                hbox:
                    textbutton _("I'm done{#sudomimus}") action Function(sudomimus.done) default_focus sudomimus._focus_rank("page")
                    textbutton _("Cancel{#sudomimus}") action Function(sudomimus.cancel)
                add DynamicDisplayable(sudomimus._time_left)
    key "game_menu" action Function(sudomimus.cancel)

screen sudomimus_question(title, sentence, first, doing, second, leaving):
    style_prefix "sudomimus"

    frame:
        vbox:
            label title
            text sentence substitute False
            hbox:
                if sudomimus._supported():
                    textbutton first action doing selected False default_focus sudomimus._focus_rank("question")
                    textbutton second action leaving
                else:
                    textbutton second action leaving default_focus sudomimus._focus_rank("question")
    key "game_menu" action leaving

screen sudomimus_settled(title, result):
    style_prefix "sudomimus"

    frame:
        vbox:
            label title
            hbox:
                textbutton _("Continue{#sudomimus}") action Return(result) default_focus sudomimus._focus_rank("settled")
    key "game_menu" action Return(result)

image sudomimus_shade = Solid("#000000b0")

transform sudomimus_breathe(late):
    alpha 0.25
    pause late
    block:
        ease 0.5 alpha 1.0
        ease 0.7 alpha 0.25
        repeat

# Their styles: the game's own, and additions ################################################################################

style sudomimus_frame is frame:
    align (0.5, 0.5)
    xminimum sudomimus._px(460)
    xmaximum sudomimus._px(920)
    padding (sudomimus._px(36), sudomimus._px(28))

style sudomimus_vbox is vbox:
    spacing sudomimus._px(18)
    xmaximum sudomimus._px(600)

style sudomimus_columns is hbox:
    box_reverse (config.rtl and config.screen_width >= config.screen_height)
    box_layout ("horizontal" if config.screen_width >= config.screen_height else "vertical")
    spacing sudomimus._px(36)

style sudomimus_hbox is sudomimus_row:
    spacing sudomimus._px(28)

style sudomimus_dots is sudomimus_row:
    spacing sudomimus._px(8)

style sudomimus_dot_text is sudomimus_label_text:
    font "DejaVuSans.ttf"

style sudomimus_label is sudomimus_title
style sudomimus_label_text is label_text

style sudomimus_text is sudomimus_paragraph:
    layout "tex"

# Hints and the small button are smaller than the game's text, unless the game gives these styles a size (see `_smaller`).
style sudomimus_hint_text is sudomimus_text

# A font that has every character of an address and tells 1, l and I apart, whatever the game's font is.
style sudomimus_address_text is sudomimus_hint_text:
    font "DejaVuSans.ttf"
    bold False
    italic False
    kerning 0.0
    text_align 0.0
    language "anywhere"
    slow_cps False

style sudomimus_time_text is sudomimus_hint_text

style sudomimus_button is button
style sudomimus_button_text is button_text

style sudomimus_small_button is sudomimus_button
style sudomimus_small_button_text is sudomimus_button_text

# For scripts that are written from right to left. The styles above inherit from these, so a game's own styles win.

init -2 python:
    style.sudomimus_row = Style(style.hbox)
    style.sudomimus_title = Style(style.label)
    style.sudomimus_paragraph = Style(style.default)

init 2 python:
    if config.rtl:
        for _each in (style.sudomimus_row, style.sudomimus_title, style.sudomimus_paragraph):
            _each.xalign = 1.0
        style.sudomimus_paragraph.text_align = 1.0
        style.sudomimus_row.box_reverse = True

# Their functions ############################################################################################################

init -1 python in sudomimus:

    from store import im, DynamicDisplayable, Null, Text

    def _px(at_720):
        """A length, given for a screen whose shorter side has 720 pixels."""
        return int(round(at_720 * min(config.screen_width, config.screen_height) / 720.0))

    def _smaller(name):
        """The size of a small text. Ren'Py knows the game's sizes only after the init phase."""
        small, text = getattr(store.style, "sudomimus_" + name), getattr(store.style, "sudomimus_" + _LARGER.get(name, "text"))
        return small.size if small.size != text.size else int(round(0.77 * text.size))

    _LARGER = {"small_button_text": "button_text"}

    _the_door().qr_pixels = _px(240)

    def _begin_login():
        if _the_door().status != "signed-in":
            login()

    def _login_ended(begun):
        """True ends the screen, and None keeps it open."""
        return True if begun and _the_door().status == "signed-in" and not _the_door().busy else None

    def _share_ended(begun):
        return True if begun and _the_door().shared else None

    def _shared():
        return _the_door().shared

    def _busy():
        return _the_door().busy

    def _browser_opened():
        return _the_door().browser_opened

    def _supported():
        return _the_door().supported

    def _escaped(text):
        """The text, escaped so that Ren'Py reads no part of it as a tag."""
        return text.replace("{", "{{") if text else text

    def _copied():
        return _the_door().address_copied

    def _copy_address():
        import pygame_sdl2
        try:
            pygame_sdl2.scrap.put(pygame_sdl2.SCRAP_TEXT, (errand_url() or "").encode())
        except Exception:
            return  # there is no clipboard, and the button keeps its text
        _the_door().copied()

    def _qr_code(st, at):
        png = _the_door().qr_code
        return (im.Data(png, "code.png"), 1.0) if png else (Null(_px(240), _px(240)), 0.1)

    def _time_left(st, at):
        seconds = _the_door().seconds_left() or 0
        text = renpy.translate_string(_("Time left: %d:%02d")) % (seconds // 60, seconds % 60)
        return Text(text, style="sudomimus_time_text", size=_smaller("time_text")), 0.5
