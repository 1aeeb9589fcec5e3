# The store module `sudomimus`: the functions and names for a game.
#
#     define sudomimus.application = "my-game"
#     define sudomimus.steam_app_id = 480
#
# and in the script  call screen sudomimus_login . The screens are in sudomimus_screens.rpy. Threads and secrets are kept in
# python-packages/sudomimus_bridge, and never here.
#
# Ren'Py 8.4 or later, on Windows, macOS or Linux, can sign a player in. This file also loads elsewhere. There `status` is
# "failed", `error` says what is needed, and the screens offer to play offline.

init -999 python in sudomimus:

    from functools import partial as _partial
    from store import config, store
    from sudomimus_bridge._renpy.imports import find_on_disk as _find_on_disk
    _find_on_disk(config.gamedir)
    from sudomimus_bridge._renpy.store import the_door as _the_door, make_live as _make_live, focus_rank as _focus_rank
    from sudomimus_bridge._renpy import texts as _texts

    _make_live(store.sudomimus)
    _the_door().log = _partial(renpy.write_log, "sudomimus: %s")
    if not _the_door().supported:
        _the_door().log(_the_door().missing)

    # Three names are looked up at each use:
    #   status   "signed-out", "signing-in", "waiting-for-browser", "signed-in", "failed", or "postponed" (the player plays
    #            offline, and is signed in later by itself)
    #   error    a sentence for the player, or None
    #   player   the player, or None

    # Whether a small notice tells the player when a sign-in is postponed, and when it has succeeded.
    notices = True

    # The language that the game itself is written in, if that is not English and one of the delivered translations fits:
    # "german", "french", "spanish", "portuguese" (Brazil), "russian", "simplified_chinese" or "japanese".
    language = None

    def login():
        """Start to sign in, and return at once. Does nothing while a login runs."""
        _the_door().login(_given())
        _look()

    def _given():
        given = dict(globals())
        if given.get("steam_app_id") is None:
            given["steam_app_id"] = config.steam_appid
        return given

    def play_offline():
        """Let the player play offline. If the service was busy or could not be reached, the player is signed in later by itself."""
        _the_door().play_offline(_given())
        _look()

    def share():
        """Offer the player a page to share more with the game, and return at once."""
        _the_door().share()
        _look()

    def done():
        """The player says: done in the browser."""
        _the_door().done()

    def cancel():
        """The player says: never mind."""
        _the_door().cancel()
        _look()

    def logout():
        """Forget the player and the tokens."""
        _the_door().logout()
        _look()

    def errand_url():
        """The address of the page that the sign-in waits for, else None. It is a secret: never put it into a variable."""
        return _the_door().errand_url()

    def access_token():
        """The access token, for the game's own requests, else None. It is a secret: never put it into a variable."""
        return _the_door().access_token()

    if _the_door().supported:
        from sudomimus_bridge._renpy.page import Thumbnails as _Thumbnails
        _thumbnails = _Thumbnails(errand_url)

    def _look():
        if _the_door().supported:
            if not _the_door().prepared:
                _the_door().prepare(_given())
            if _the_door().tick():
                renpy.restart_interaction()
            notice = _the_door().take_notice()
            if notice and notices:
                renpy.notify(renpy.translate_string(notice))
            _thumbnails.look()

    # Before Ren'Py drains Steam: a callback that comes during a reload of the script then finds its listener.
    config.periodic_callbacks.insert(0, _look)

    _languages = _texts.languages_of_game(renpy.game.script.translator)

init 999 python in sudomimus:

    _texts.fit_translations(renpy.game.script.translator, _languages, language)
