# The sign-in in Spanish. A game that calls this language otherwise gets these texts as well.

translate spanish strings:

    old "Finish in your browser{#sudomimus}"
    new "Termina en tu navegador"

    old "Signing in{#sudomimus}"
    new "Iniciando sesión"

    old "Play offline{#sudomimus}"
    new "Jugar sin conexión"

    old "You are signed in{#sudomimus}"
    new "Has iniciado sesión"

    old "You are not signed in{#sudomimus}"
    new "No has iniciado sesión"

    old "Sign in now, or play offline."
    new "Inicia sesión ahora o juega sin conexión."

    old "Try again{#sudomimus}"
    new "Reintentar"

    old "Sign in{#sudomimus}"
    new "Iniciar sesión"

    old "One moment{#sudomimus}"
    new "Un momento"

    old "Cancel{#sudomimus}"
    new "Cancelar"

    old "Nothing was shared{#sudomimus}"
    new "No se ha compartido nada"

    old "Share more with this game{#sudomimus}"
    new "Compartir más con este juego"

    old "A page in your browser asks what you would like to share."
    new "Una página en tu navegador te pregunta qué quieres compartir."

    old "Open the page{#sudomimus}"
    new "Abrir la página"

    old "Never mind{#sudomimus}"
    new "Ahora no"

    old "Please wait, this may take a moment"
    new "Espera, por favor: puede tardar un momento"

    old "A page has opened in your browser. Come back here when you are done."
    new "Se ha abierto una página en tu navegador. Vuelve aquí cuando termines."

    old "No page in sight? Scan the code, or open this address:"
    new "¿No ves ninguna página? Escanea el código o abre esta dirección:"

    old "Open this page in a browser. Scan the code with your phone, or use the address:"
    new "Abre esta página en un navegador. Escanea el código con tu teléfono o usa la dirección:"

    old "the page's address"
    new "la dirección de la página"

    old "Copied{#sudomimus}"
    new "Copiada"

    old "Copy the address{#sudomimus}"
    new "Copiar la dirección"

    old "I'm done{#sudomimus}"
    new "He terminado"

    old "Continue{#sudomimus}"
    new "Continuar"

    old "Time left: %d:%02d"
    new "Tiempo restante: %d:%02d"

    old "Sign in first: only a player who is signed in can share something."
    new "Inicia sesión primero: solo quien ha iniciado sesión puede compartir algo."

    old "Signing in needs a version of this game for Windows, macOS or Linux that was made with Ren'Py 8.4 or later."
    new "Para iniciar sesión hace falta una versión de este juego para Windows, macOS o Linux creada con Ren'Py 8.4 o posterior."

    old "Something went wrong inside the sign-in. Please tell the game's makers."
    new "Algo ha fallado al iniciar sesión. Avisa a los creadores del juego."

    old "Steam did not confirm who you are. Check that Steam is online and signed in, then try again."
    new "Steam no ha confirmado quién eres. Comprueba que Steam esté en línea y que hayas iniciado sesión en él, y vuelve a intentarlo."

    old "Steam is not running. Start Steam, sign in, then try again."
    new "Steam no está abierto. Abre Steam, inicia sesión y vuelve a intentarlo."

    old "The page in the browser was not finished. Start the sign-in again when you have time for it."
    new "No has terminado lo que pedía la página del navegador. Vuelve a iniciar sesión cuando tengas tiempo."

    old "The sign-in service cannot be reached right now. Check the internet connection, then try again."
    new "Ahora mismo no se puede acceder al servicio de inicio de sesión. Comprueba la conexión a Internet y vuelve a intentarlo."

    old "The sign-in was cancelled."
    new "Se ha cancelado el inicio de sesión."

    old "This Sudomimus account is disabled. Ask Sudomimus support."
    new "Esta cuenta de Sudomimus está desactivada. Ponte en contacto con el soporte de Sudomimus."

    old "This computer is too busy to sign you in. Close other programs, then try again."
    new "Este equipo está demasiado ocupado para iniciar sesión. Cierra otros programas y vuelve a intentarlo."

    old "A file that connects this game to Steam is missing or damaged. Have Steam verify the game's files, then try again."
    new "Un archivo que conecta este juego con Steam falta o está dañado. Verifica la integridad de los archivos del juego en Steam y vuelve a intentarlo."

    old "This game's sign-in is not set up correctly. Please tell the game's makers."
    new "El inicio de sesión de este juego no está bien configurado. Avisa a los creadores del juego."

    old "This player may not sign in to this game. If that seems wrong, ask the game's makers."
    new "Esta cuenta no puede iniciar sesión en este juego. Si crees que es un error, ponte en contacto con los creadores del juego."

    old "You play offline for now. You will be signed in as soon as possible."
    new "Por ahora juegas sin conexión. Tu sesión se iniciará en cuanto sea posible."

    old "You are signed in to your account now."
    new "Ya has iniciado sesión en tu cuenta."
