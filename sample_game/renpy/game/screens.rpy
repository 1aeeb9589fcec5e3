# The looks of the game, without a picture. The screens of the sign-in take their looks from the styles of this file, and from
# the few at its end.

init offset = -1

define amber = "#ffc66b"
define paper = "#f4ead6"
define muted = "#9aa7bf"

init -1 python:
    def box(edge, inside):
        """A rectangle with a thin edge, of any size."""
        return Frame(Composite((8, 8), (0, 0), Solid(edge), (1, 1), Solid(inside, xysize=(6, 6))), 2, 2)

style default:
    color paper
    size 24
    line_spacing 5
    outlines [(1, "#00000060", 0, 1)]

style frame:
    background box("#5a5a66", "#0c1428")
    padding (28, 24)

style button:
    padding (22, 11)
    background box("#5a6a8e", "#141f3a")
    hover_background box(amber, "#3a3040")
    selected_background box(amber, "#2a2a40")

style button_text:
    size 21
    align (0.5, 0.5)
    idle_color paper
    hover_color "#ffdf9e"
    selected_color amber
    insensitive_color "#5d6880"

style label_text:
    color amber
    size 30

# Talk #######################################################################################################################

screen say(who, what):
    window:
        id "window"
        style "say_window"
        vbox:
            spacing 6
            if who is not None:
                text who id "who" size 22 color amber
            text what id "what"

style say_window:
    background Solid("#0a1020d8")
    xfill True
    yalign 1.0
    yminimum 178
    padding (150, 26, 150, 30)

style say_dialogue is default

screen choice(items):
    style_prefix "choice"
    vbox:
        for item in items:
            textbutton item.caption action item.action default_focus (item is items[0])

style choice_vbox is vbox:
    align (0.5, 0.38)
    spacing 14

style choice_button is button:
    xsize 640
    padding (26, 15)

style choice_button_text is button_text:
    size 23

screen quick_menu():
    zorder 100
    if not main_menu:
        hbox:
            align (0.985, 0.995)
            spacing 2
            for caption, action in ((_("Back"), Rollback()), (_("Skip"), Skip()), (_("Save"), ShowMenu("save")), (_("Menu"), ShowMenu("save"))):
                textbutton caption action action style "quick_button"

style quick_button:
    background None
    padding (9, 4)

style quick_button_text is button_text:
    size 15
    idle_color muted

init python:
    config.overlay_screens.append("quick_menu")

# Menus ######################################################################################################################

screen main_menu():
    tag menu
    $ found = len(persistent.endings)
    add "night"
    add "beam"

    vbox:
        align (0.88, 0.78)
        spacing 14
        text _("The Last Ferry") size 62 color paper xalign 1.0
        text _("one night at Marrow Point") size 22 color muted italic True xalign 1.0
        null height 22
        vbox:
            xalign 1.0
            spacing 10
            style_prefix "main"
            textbutton _("Take the watch") action Start() default_focus True
            textbutton _("Load") action ShowMenu("load")
            textbutton _("Preferences") action ShowMenu("preferences")
            textbutton _("Quit") action Quit(confirm=False)
        if found:
            text _("Endings found: [found] of 3") size 17 color muted xalign 1.0

style main_button is button:
    xsize 260

screen game_menu(title):
    add "night"
    add Solid("#060a16c8")
    frame:
        align (0.5, 0.5)
        xysize (1120, 620)
        label title
        vbox:
            yoffset 62
            spacing 10
            style_prefix "main"
            if not main_menu:
                textbutton _("Return") action Return()
                textbutton _("Save") action ShowMenu("save")
            textbutton _("Load") action ShowMenu("load")
            textbutton _("Preferences") action ShowMenu("preferences")
            if main_menu:
                textbutton _("Back") action Return()
            else:
                textbutton _("Main menu") action MainMenu()
            textbutton _("Quit") action Quit(confirm=not main_menu)
        fixed:
            xoffset 300
            yoffset 62
            xysize (760, 500)
            transclude
    key "game_menu" action Return()

screen save():
    tag menu
    use file_slots(_("Save"))

screen load():
    tag menu
    use file_slots(_("Load"))

screen file_slots(title):
    use game_menu(title):
        grid 2 2:
            spacing 18
            for slot in range(1, 5):
                button:
                    action FileAction(slot)
                    xysize (290, 200)
                    padding (14, 12)
                    vbox:
                        add FileScreenshot(slot) xysize (256, 144)
                        text FileTime(slot, format=_("{#file_time}%B %d, %H:%M"), empty=_("an empty page")) size 16 color muted
                    key "save_delete" action FileDelete(slot)

screen preferences():
    tag menu
    use game_menu(_("Preferences")):
        vbox:
            spacing 26
            vbox:
                spacing 10
                text _("Display") size 19 color muted
                hbox:
                    spacing 10
                    textbutton _("Window") action Preference("display", "window")
                    textbutton _("Fullscreen") action Preference("display", "fullscreen")
            vbox:
                spacing 10
                text _("Speed of the text") size 19 color muted
                bar value Preference("text speed") xsize 520 ysize 14 left_bar Solid(amber) right_bar Solid("#33405e") thumb None
            vbox:
                spacing 10
                text _("Waiting before it goes on by itself") size 19 color muted
                bar value Preference("auto-forward time") xsize 520 ysize 14 left_bar Solid(amber) right_bar Solid("#33405e") thumb None

screen confirm(message, yes_action, no_action):
    modal True
    zorder 200
    add Solid("#000000a0")
    frame:
        align (0.5, 0.5)
        xmaximum 620
        vbox:
            spacing 24
            text message xalign 0.5 text_align 0.5
            hbox:
                xalign 0.5
                spacing 20
                textbutton _("Yes") action yes_action
                textbutton _("No") action no_action default_focus True
    key "game_menu" action no_action

screen notify(message):
    zorder 300
    frame at notify_appear:
        pos (24, 24)
        padding (18, 12)
        text "[message!tq]" size 18
    timer 3.0 action Hide("notify")

transform notify_appear:
    on show:
        alpha 0.0
        ease 0.2 alpha 1.0
    on hide:
        ease 0.4 alpha 0.0

screen the_end(way):
    modal True
    $ found = len(persistent.endings)
    add Solid("#05070fb0")
    vbox:
        align (0.5, 0.42)
        spacing 16
        if way == "held":
            text _("The light that stood still") size 44 color amber xalign 0.5
        elif way == "counted":
            text _("Seven, eight, nine") size 44 color amber xalign 0.5
        else:
            text _("A hundred and six steps") size 44 color amber xalign 0.5
        text _("[found] of 3 endings found") size 20 color muted xalign 0.5
        null height 20
        textbutton _("Back to the harbour") action Return() xalign 0.5 default_focus True
    key "game_menu" action Return()

# The sign-in's screens: these styles, besides those above. ###########################################################################

style sudomimus_frame:
    background box(amber, "#0c1428")

style sudomimus_hint_text:
    color muted

style sudomimus_address_text:
    color "#9fd0c4"
