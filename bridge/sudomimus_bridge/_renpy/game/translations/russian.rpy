# The sign-in in Russian. A game that calls this language otherwise gets these texts as well.

translate russian strings:

    old "Finish in your browser{#sudomimus}"
    new "Продолжите в браузере"

    old "Signing in{#sudomimus}"
    new "Выполняется вход"

    old "Play offline{#sudomimus}"
    new "Играть офлайн"

    old "You are signed in{#sudomimus}"
    new "Вход выполнен"

    old "You are not signed in{#sudomimus}"
    new "Вход не выполнен"

    old "Sign in now, or play offline."
    new "Войдите сейчас или играйте офлайн."

    old "Try again{#sudomimus}"
    new "Повторить"

    old "Sign in{#sudomimus}"
    new "Войти"

    old "One moment{#sudomimus}"
    new "Одну минуту"

    old "Cancel{#sudomimus}"
    new "Отмена"

    old "Nothing was shared{#sudomimus}"
    new "Данные не переданы"

    old "Share more with this game{#sudomimus}"
    new "Передать игре больше данных"

    old "A page in your browser asks what you would like to share."
    new "На странице в браузере можно выбрать, какими данными поделиться."

    old "Open the page{#sudomimus}"
    new "Открыть страницу"

    old "Never mind{#sudomimus}"
    new "Не сейчас"

    old "Please wait, this may take a moment"
    new "Подождите, это может занять некоторое время"

    old "A page has opened in your browser. Come back here when you are done."
    new "В браузере открылась страница. Когда закончите, вернитесь сюда."

    old "No page in sight? Scan the code, or open this address:"
    new "Не видите страницу? Отсканируйте код или откройте этот адрес:"

    old "Open this page in a browser. Scan the code with your phone, or use the address:"
    new "Откройте эту страницу в браузере. Отсканируйте код телефоном или используйте адрес:"

    old "the page's address"
    new "адрес страницы"

    old "Copied{#sudomimus}"
    new "Скопировано"

    old "Copy the address{#sudomimus}"
    new "Скопировать адрес"

    old "I'm done{#sudomimus}"
    new "Готово"

    old "Continue{#sudomimus}"
    new "Продолжить"

    old "Time left: %d:%02d"
    new "Осталось времени: %d:%02d"

    old "Sign in first: only a player who is signed in can share something."
    new "Сначала войдите: делиться данными можно только после входа."

    old "Signing in needs a version of this game for Windows, macOS or Linux that was made with Ren'Py 8.4 or later."
    new "Для входа нужна версия этой игры для Windows, macOS или Linux, созданная в Ren'Py 8.4 или новее."

    old "Something went wrong inside the sign-in. Please tell the game's makers."
    new "При входе произошла ошибка. Пожалуйста, сообщите об этом создателям игры."

    old "Steam did not confirm who you are. Check that Steam is online and signed in, then try again."
    new "Steam не подтвердил вашу личность. Убедитесь, что Steam подключён к сети и что вы в него вошли, затем повторите попытку."

    old "Steam is not running. Start Steam, sign in, then try again."
    new "Steam не запущен. Запустите Steam, войдите в него и повторите попытку."

    old "The page in the browser was not finished. Start the sign-in again when you have time for it."
    new "Вы не завершили действия на странице в браузере. Начните вход заново, когда у вас будет время."

    old "The sign-in service cannot be reached right now. Check the internet connection, then try again."
    new "Служба входа сейчас недоступна. Проверьте подключение к интернету и повторите попытку."

    old "The sign-in was cancelled."
    new "Вход отменён."

    old "This Sudomimus account is disabled. Ask Sudomimus support."
    new "Эта учётная запись Sudomimus отключена. Обратитесь в поддержку Sudomimus."

    old "This computer is too busy to sign you in. Close other programs, then try again."
    new "Компьютер слишком загружен, чтобы выполнить вход. Закройте другие программы и повторите попытку."

    old "A file that connects this game to Steam is missing or damaged. Have Steam verify the game's files, then try again."
    new "Файл, который связывает игру со Steam, отсутствует или повреждён. Проверьте целостность файлов игры в Steam и повторите попытку."

    old "This game's sign-in is not set up correctly. Please tell the game's makers."
    new "Вход в этой игре настроен неправильно. Пожалуйста, сообщите об этом создателям игры."

    old "This player may not sign in to this game. If that seems wrong, ask the game's makers."
    new "С этой учётной записью нельзя войти в игру. Если вы считаете это ошибкой, обратитесь к создателям игры."

    old "You play offline for now. You will be signed in as soon as possible."
    new "Пока вы играете офлайн. Вход будет выполнен, как только это станет возможно."

    old "You are signed in to your account now."
    new "Вы вошли в свою учётную запись."
