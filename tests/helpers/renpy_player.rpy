# An automatic player: follows the steps of renpy_steps.py, and looks 20 times a second whether it can go on.
#
# The steps are generators: one until the first reload, one until the second, and so on. Each yields the condition that it waits
# for. Each line of the report is one JSON object.

init 900 python in renpy_player:

    import json, os, sys, time, traceback
    from store import config, store
    import pygame_sdl2 as pygame

    if (door := sys.modules.get("sudomimus_bridge._renpy.door")) is not None:
        door.PROFILE_SECONDS = 120  # on a busy machine the name may take long

    class Player(python_object):

        def __init__(self):
            import renpy_steps
            # The module outlives a reload of the game, and this object does not.
            self.steps = renpy_steps.PARTS.pop(0)(self)
            self.waiting = self.leaving = None
            self.until = 0

        def report(self, step, **facts):
            with open(os.environ["SUDOMIMUS_TEST_REPORT"], "a") as out:
                out.write(json.dumps(dict(facts, step=step)) + "\n")

        def look(self):
            """The periodic callback: goes on if the awaited condition holds."""
            if self.steps is None:
                return
            renpy.game.preferences.text_cps = renpy.game.preferences.transitions = 0
            try:
                if self.leaving is not None:
                    leave, self.leaving = self.leaving, None
                    leave()
                if self.waiting is not None and not self.waiting():
                    if time.time() > self.until:
                        raise Exception("waited in vain; on the screen: %r" % self.words())
                    return
                self.waiting, self.until = next(self.steps), time.time() + 120
            except StopIteration:
                self.report("over")
                self.steps = None
                renpy.quit()
            except renpy.game.CONTROL_EXCEPTIONS:
                raise
            except Exception:
                self.report("failed", why=traceback.format_exc())
                self.steps = None
                self.shot("failed")
                renpy.quit()

        def words(self):
            """All texts on the screen."""
            return renpy.display.tts.root._tts_all()

        def sees(self, text):
            return lambda: text in self.words()

        def offers(self, text):
            """A condition: there is something to click on that says so."""
            return lambda: renpy.test.testfocus.find_focus(text) is not None

        def through(self, text):
            """Press Return until the text can be read."""
            def there():
                if text in self.words():
                    return True
                self.go_on()
            return there

        def past(self, text):
            """Press Return while the text can be read: Ren'Py ignores a key that comes too early."""
            def gone():
                if text not in self.words():
                    return True
                self.go_on()
            return gone

        def go_on(self):
            """Press Return. A second one before Ren'Py has handled the first could be taken for the answer to the next question."""
            if not pygame.event.peek((pygame.KEYDOWN, pygame.KEYUP)) and renpy.exports.get_screen("choice") is None:
                self.key(pygame.K_RETURN)

        def focused(self):
            """What the focused button says."""
            widget = renpy.display.focus.get_focused()
            return widget._tts_all() if widget is not None else None

        def selected(self, text):
            """Whether a button that says so is drawn as selected."""
            return renpy.test.testfocus.find_focus(text).widget.is_selected()

        def leave(self, how):
            """Leave for another place in the game. A step must not do so itself: the jump would end the generator."""
            self.leaving = how
            return lambda: self.leaving is None

        def visited(self, number):
            """Let the browser that was started as the n-th go through its page, and wait until it has."""
            folder = os.environ["SUDOMIMUS_TEST_FOLDER"]
            open(os.path.join(folder, "visit-%d" % number), "w").close()
            return lambda: os.path.exists(os.path.join(folder, "visited-%d" % number))

        def shot(self, name):
            folder = os.environ.get("SUDOMIMUS_TEST_SCREENSHOTS")
            if folder:
                renpy.screenshot(os.path.join(folder, name + ".png"))

        def key(self, key):
            for kind in (pygame.KEYDOWN, pygame.KEYUP):
                pygame.event.post(pygame.event.Event(kind, key=key, mod=0, unicode="", repeat=False, test=True))

        def click(self, text):
            focus = renpy.test.testfocus.find_focus(text)
            if focus is None:
                raise Exception("nothing to click on says %r, but: %r" % (text, self.words()))
            if focus.x is not None:  # whole numbers, because Ren'Py on Python 3.12 and later finds no position among floats
                focus = focus.copy()
                focus.x, focus.y, focus.w, focus.h = (int(each) for each in (focus.x, focus.y, focus.w, focus.h))
            x, y = renpy.test.testfocus.find_position(focus, (None, None))
            renpy.test.testmouse.click_mouse(1, x, y)

        def pause(self, seconds):
            until = time.time() + seconds
            return lambda: time.time() > until

    # Xvfb has no refresh rate to wait for, so Ren'Py would draw as often as it can, and take the time of other tests.
    def _draw_screen(self, *what, _draw=renpy.display.core.Interface.draw_screen):
        time.sleep(max(0, 0.04 - (time.time() - _drawn[-1])))
        _drawn[-1] = time.time()
        _draw(self, *what)

    _drawn = [0]
    renpy.display.core.Interface.draw_screen = _draw_screen
    if not os.environ.get("SUDOMIMUS_TEST_SCREENSHOTS"):  # no screenshots, so a small window is enough
        renpy.game.preferences.physical_size = (256, 144)
        renpy.game.preferences.virtual_size = (config.screen_width, config.screen_height)
    config.periodic_callbacks.append(Player().look)
    config.autosave_on_choice = False
