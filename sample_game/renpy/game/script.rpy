# The story. It greets a signed-in player by name; a player who is offline gets the same story, a little lonelier.

define mara = Character(_("Mara"), color="#ffc66b")
define radio = Character(_("The radio"), color="#9fd0c4", what_italic=True)
define note = Character(None, what_color="#e9d9b4", what_italic=True)

default way = None
default asked = False

default persistent.endings = []

label start:
    scene night
    show beam
    with slow

    "The keeper of Marrow Point has gone to her daughter's wedding, and for one night the light is yours."
    "She left you a pot of soup, a ring of keys, and a logbook with tonight's page already ruled."

    scene lamproom with slow

    note "\"Whoever keeps the light signs the book,\" says her note. \"The sea likes to know who is watching.\""

    menu:
        "The line at the top of the page is waiting for a name."

        "Sign the book.":
            call screen sudomimus_login

        "Leave the line empty.":
            pass

    if sudomimus.player and sudomimus.player.name:
        "You write {color=#ffc66b}[sudomimus.player.name!q]{/color}, and the ink is dry before you have lifted the pen. Steam had told the book already, more or less."
    elif sudomimus.player:
        "You draw a small gull on the line. The book knows you; it does not need to know your name."
    else:
        "You leave the line empty. The lamp goes round all the same. Lamps are like that."

    "Soup. Wind. The long arm of the light, walking the water every nine seconds."
    "Close to eleven the radio clears its throat."

    radio "Marrow Point, Marrow Point, this is the ferry {i}Patience{/i}, last run of the year. Who has the light tonight?"

    if sudomimus.player and sudomimus.player.name:
        "You press the key. \"[sudomimus.player.name!q] has the light.\""
        radio "[sudomimus.player.name!q]. Good. That is a name a person can steer by."
    else:
        "You press the key. \"Nobody you know.\""
        radio "Nobody. Well. Nobody has ever put me on the rocks, so that's a fine start."

    scene fog
    show beam
    with slow

    "Then the fog comes in, all at once, like a tablecloth."

    radio "Point, I've lost your beam. I get a glow, and then I don't. My compass has been drunk since Tuesday."
    radio "I've eleven passengers, two bicycles and a wedding cake. Tell me what you want to do."

label choice:

    menu:
        "The {i}Patience{/i} is somewhere out there, and turning."

        "Stop the lamp, and hold it on the channel.":
            jump hold

        "Keep it turning, and count for her.":
            jump count

        "Take the lantern down to the water.":
            jump walk

label hold:
    $ way = "held"
    show beam still

    "You throw the lever. The gears complain, the great lens slows, and the light stands still on the water: one white road, straight down the channel."
    "It is against every rule on the wall."
    radio "There. There you are. Hold it. Hold it. Don't so much as sneeze."
    "You hold it for eleven minutes. Far out, a tanker sees a lighthouse that has never been there before, and wisely slows down."
    jump morning

label count:
    $ way = "counted"
    "The light must turn. There are ships out there who know Marrow Point by nothing but its nine seconds."
    "So you hold the key down and count for her, out loud, with the lamp: {i}seven, eight, nine, light.{/i}"
    radio "Seven, eight, nine... I had it on my left cheek."
    "{i}Seven, eight, nine, light.{/i}"
    radio "Nose. On my nose. Keep going, you've a lovely voice for numbers."
    "By the four hundredth nine you would follow yourself anywhere."
    jump morning

label walk:
    $ way = "walked"
    "You leave the lamp to turn by itself, and take the storm lantern off its hook."
    "A hundred and six steps down. The fog smells of iron and oranges. At the end of the jetty you raise the lantern, and feel rather small."
    "Then a bell, close by. You walk it along the planks, slowly, the way one walks a horse: and something large and patient follows you in."
    jump morning

label morning:
    scene dawn at drift with slow
    "In the morning there is a ferry at the jetty, and a smell of coffee."

    show mara at on_the_jetty with dissolve

    if sudomimus.player and sudomimus.player.name:
        mara "So you are [sudomimus.player.name!q]. You look taller on the radio."
    else:
        mara "So you're Nobody. You look taller on the radio."

    if way == "held":
        mara "The coastguard would like to know why Marrow Point stood still for eleven minutes. I said I had not noticed. I was looking at the road."

    mara "Eleven passengers, two bicycles. The cake leaned, but it leaned well."

    if not sudomimus.player:
        mara "I send a card each spring to whoever brought me in. But I can't well write to Nobody, can I?"
        "She finds the empty line in your book, and draws a very small ferry on it."
        jump ending

    if sudomimus.player.email:
        mara "I send a card each spring to whoever brought me in. Yours I know where to send."
        jump ending

    mara "I send a card each spring to whoever brought me in. Where would yours go?"

    menu:
        "She has a pencil, and the back of her hand."

        "Give her an address.":
            $ asked = True
            call screen sudomimus_share

        "Let her guess.":
            pass

    if sudomimus.player and sudomimus.player.email:
        "She writes it down in very small letters: {color=#ffc66b}[sudomimus.player.email!q]{/color}."
        mara "There. It only washes off at Christmas."
    elif asked:
        mara "Changed your mind? Good. An address is a thing to be given, not taken. I'll put it in a bottle."
    else:
        mara "I'll put it in a bottle, then. They mostly arrive."

label ending:
    hide mara with dissolve

    if way == "held":
        "You write the night down as it was. Under {i}remarks{/i} you put: {i}The light stood still. Somebody was standing in it.{/i}"
    elif way == "counted":
        "You write the night down as it was. Under {i}remarks{/i} you put: {i}Nine seconds is a long time, if you say all of it.{/i}"
    else:
        "You write the night down as it was. Under {i}remarks{/i} you put: {i}The lamp is for those far away. For the others one has to go down.{/i}"

    if sudomimus.player and sudomimus.player.email:
        "In April a card comes. It shows a cake, leaning. On the back, in very small letters: {i}Same time next year?{/i}"
    elif sudomimus.player:
        "In June a bottle comes, with a card in it. It shows a cake, leaning. It has been to Portugal, by the look of it."
    else:
        "In June, on the empty line, the very small ferry is still there. You find that you have named it."
    window hide

    $ persistent.endings = sorted(set(persistent.endings) | {way})
    call screen the_end(way)
    return
