# The sign-in in French. A game that calls this language otherwise gets these texts as well.

translate french strings:

    old "Finish in your browser{#sudomimus}"
    new "Terminez dans votre navigateur"

    old "Signing in{#sudomimus}"
    new "Connexion en cours"

    old "Play offline{#sudomimus}"
    new "Jouer hors ligne"

    old "You are signed in{#sudomimus}"
    new "Vous êtes connecté"

    old "You are not signed in{#sudomimus}"
    new "Vous n’êtes pas connecté"

    old "Sign in now, or play offline."
    new "Connectez-vous maintenant ou jouez hors ligne."

    old "Try again{#sudomimus}"
    new "Réessayer"

    old "Sign in{#sudomimus}"
    new "Se connecter"

    old "One moment{#sudomimus}"
    new "Un instant"

    old "Cancel{#sudomimus}"
    new "Annuler"

    old "Nothing was shared{#sudomimus}"
    new "Rien n’a été partagé"

    old "Share more with this game{#sudomimus}"
    new "Partager davantage avec ce jeu"

    old "A page in your browser asks what you would like to share."
    new "Une page dans votre navigateur vous demande ce que vous souhaitez partager."

    old "Open the page{#sudomimus}"
    new "Ouvrir la page"

    old "Never mind{#sudomimus}"
    new "Plus tard"

    old "Please wait, this may take a moment"
    new "Veuillez patienter, cela peut prendre un moment"

    old "A page has opened in your browser. Come back here when you are done."
    new "Une page s’est ouverte dans votre navigateur. Revenez ici quand vous aurez terminé."

    old "No page in sight? Scan the code, or open this address:"
    new "La page ne s’affiche pas ? Scannez le code ou ouvrez cette adresse :"

    old "Open this page in a browser. Scan the code with your phone, or use the address:"
    new "Ouvrez cette page dans un navigateur. Scannez le code avec votre téléphone ou utilisez l’adresse :"

    old "the page's address"
    new "l’adresse de la page"

    old "Copied{#sudomimus}"
    new "Copiée"

    old "Copy the address{#sudomimus}"
    new "Copier l’adresse"

    old "I'm done{#sudomimus}"
    new "J’ai terminé"

    old "Continue{#sudomimus}"
    new "Continuer"

    old "Time left: %d:%02d"
    new "Temps restant : %d:%02d"

    old "Sign in first: only a player who is signed in can share something."
    new "Connectez-vous d’abord : il faut être connecté pour partager quelque chose."

    old "Signing in needs a version of this game for Windows, macOS or Linux that was made with Ren'Py 8.4 or later."
    new "Pour vous connecter, il faut une version de ce jeu pour Windows, macOS ou Linux créée avec Ren'Py 8.4 ou une version ultérieure."

    old "Something went wrong inside the sign-in. Please tell the game's makers."
    new "Une erreur s’est produite lors de la connexion. Veuillez prévenir les créateurs du jeu."

    old "Steam did not confirm who you are. Check that Steam is online and signed in, then try again."
    new "Steam n’a pas confirmé votre identité. Vérifiez que Steam est en ligne et que vous y êtes connecté, puis réessayez."

    old "Steam is not running. Start Steam, sign in, then try again."
    new "Steam n’est pas lancé. Lancez Steam, connectez-vous, puis réessayez."

    old "The page in the browser was not finished. Start the sign-in again when you have time for it."
    new "Vous n’êtes pas allé au bout de la page ouverte dans le navigateur. Relancez la connexion quand vous aurez le temps."

    old "The sign-in service cannot be reached right now. Check the internet connection, then try again."
    new "Le service de connexion est injoignable pour le moment. Vérifiez la connexion Internet, puis réessayez."

    old "The sign-in was cancelled."
    new "La connexion a été annulée."

    old "This Sudomimus account is disabled. Ask Sudomimus support."
    new "Ce compte Sudomimus est désactivé. Contactez l’assistance de Sudomimus."

    old "This computer is too busy to sign you in. Close other programs, then try again."
    new "Cet ordinateur est trop sollicité pour vous connecter. Fermez d’autres programmes, puis réessayez."

    old "A file that connects this game to Steam is missing or damaged. Have Steam verify the game's files, then try again."
    new "Un fichier qui relie ce jeu à Steam est absent ou endommagé. Vérifiez l’intégrité des fichiers du jeu dans Steam, puis réessayez."

    old "This game's sign-in is not set up correctly. Please tell the game's makers."
    new "Le système de connexion de ce jeu est mal configuré. Veuillez prévenir les créateurs du jeu."

    old "This player may not sign in to this game. If that seems wrong, ask the game's makers."
    new "Ce compte ne peut pas se connecter à ce jeu. Si cela vous semble anormal, contactez les créateurs du jeu."

    old "You play offline for now. You will be signed in as soon as possible."
    new "Vous jouez hors ligne pour l’instant. Vous serez connecté dès que possible."

    old "You are signed in to your account now."
    new "Vous êtes maintenant connecté à votre compte."
