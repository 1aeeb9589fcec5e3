# The sentences that a player reads if a sign-in fails, listed for Ren'Py's "Generate Translations", so that the player reads
# them in the language of the game. Their source is sudomimus_bridge/_renpy/texts.py, and a test compares the two.

init python in sudomimus:

    def _sentences():
        return [
            _("A file that connects this game to Steam is missing or damaged. Have Steam verify the game's files, then try again."),
            _("Sign in first: only a player who is signed in can share something."),
            _("Signing in needs a version of this game for Windows, macOS or Linux that was made with Ren'Py 8.4 or later."),
            _("Something went wrong inside the sign-in. Please tell the game's makers."),
            _("Steam did not confirm who you are. Check that Steam is online and signed in, then try again."),
            _("Steam is not running. Start Steam, sign in, then try again."),
            _("The page in the browser was not finished. Start the sign-in again when you have time for it."),
            _("The sign-in service cannot be reached right now. Check the internet connection, then try again."),
            _("The sign-in was cancelled."),
            _("This Sudomimus account is disabled. Ask Sudomimus support."),
            _("This computer is too busy to sign you in. Close other programs, then try again."),
            _("This game's sign-in is not set up correctly. Please tell the game's makers."),
            _("This player may not sign in to this game. If that seems wrong, ask the game's makers."),
            _("You are signed in to your account now."),
            _("You play offline for now. You will be signed in as soon as possible."),
        ]
