# The store module `sudomimus`: what a game calls and asks. What it stands on is in python-packages/sudomimus_bridge, and
# nothing that is secret or has a thread is kept here.
#
#     define sudomimus.application = "my-game"
#     define sudomimus.steam_app_id = 480
#
# and in the script  call screen sudomimus_login . See also sudomimus_screens.rpy.

init -999 python in sudomimus:

    from functools import partial as _partial
    from store import config, store
    from sudomimus_bridge._renpy.imports import find_on_disk as _find_on_disk
    _find_on_disk(config.gamedir)
    from sudomimus_bridge._renpy.door import the_door as _the_door
    from sudomimus_bridge._renpy.store import make_live as _make_live, Thumbnails as _Thumbnails

    _make_live(store.sudomimus)
    _the_door().log = _partial(renpy.write_log, "sudomimus: %s")

    # status, error and player are looked up at each use:
    # "signed-out", "signing-in", "waiting-for-browser", "signed-in" or "failed"; a sentence or None; the player or None.

    def login():
        """Start to sign in, and return at once. Nothing happens while a login runs."""
        given = dict(globals())
        if given.get("steam_app_id") is None:
            given["steam_app_id"] = config.steam_appid
        _the_door().login(given)
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
        """The address of the page that is waited for, else None. It is a secret: never put it into a variable."""
        return _the_door().errand_url()

    def access_token():
        """The access token, for the game's own requests, else None. It is a secret: never put it into a variable."""
        return _the_door().access_token()

    _thumbnails = _Thumbnails()

    def _look():
        if _the_door().tick():
            renpy.restart_interaction()
        _thumbnails.look()

    config.periodic_callbacks.append(_look)
