# The sample's name, its size, and its application at Sudomimus.

define config.name = _("The Last Ferry")
define config.version = "1.0"
define config.save_directory = "sudomimus-bridge-the-last-ferry"
define config.window_icon = None
define config.has_voice = False
define config.has_sound = False
define config.has_music = False
define config.thumbnail_width = 256
define config.thumbnail_height = 144
define config.main_menu_music = None
define config.enter_transition = Dissolve(0.2)
define config.exit_transition = Dissolve(0.2)
define config.end_game_transition = Fade(0.6, 0.2, 0.6)
define config.after_load_transition = Dissolve(0.3)
define config.window = "auto"
define config.window_show_transition = Dissolve(0.2)
define config.window_hide_transition = Dissolve(0.2)
default preferences.text_cps = 55
default preferences.afm_time = 15

# A game's own application anchor and Steam app id belong here. The environment (SUDOMIMUS_APPLICATION, …) wins over them.
define sudomimus.application = "demo-game"
define sudomimus.steam_app_id = 480

init -2 python:
    gui.init(1280, 720)
