# The sign-in in German. A game that calls this language otherwise gets these texts as well.

translate german strings:

    old "Finish in your browser{#sudomimus}"
    new "Weiter im Browser"

    old "Signing in{#sudomimus}"
    new "Anmeldung läuft"

    old "Play offline{#sudomimus}"
    new "Offline spielen"

    old "You are signed in{#sudomimus}"
    new "Sie sind angemeldet"

    old "You are not signed in{#sudomimus}"
    new "Sie sind nicht angemeldet"

    old "Sign in now, or play offline."
    new "Melden Sie sich jetzt an oder spielen Sie offline."

    old "Try again{#sudomimus}"
    new "Erneut versuchen"

    old "Sign in{#sudomimus}"
    new "Anmelden"

    old "One moment{#sudomimus}"
    new "Einen Moment"

    old "Cancel{#sudomimus}"
    new "Abbrechen"

    old "Nothing was shared{#sudomimus}"
    new "Es wurde nichts geteilt"

    old "Share more with this game{#sudomimus}"
    new "Mehr mit diesem Spiel teilen"

    old "A page in your browser asks what you would like to share."
    new "Eine Seite in Ihrem Browser fragt, was Sie teilen möchten."

    old "Open the page{#sudomimus}"
    new "Seite öffnen"

    old "Never mind{#sudomimus}"
    new "Lieber nicht"

    old "Please wait, this may take a moment"
    new "Bitte warten, das kann einen Moment dauern"

    old "A page has opened in your browser. Come back here when you are done."
    new "In Ihrem Browser wurde eine Seite geöffnet. Kommen Sie hierher zurück, wenn Sie fertig sind."

    old "No page in sight? Scan the code, or open this address:"
    new "Keine Seite zu sehen? Scannen Sie den Code oder öffnen Sie diese Adresse:"

    old "Open this page in a browser. Scan the code with your phone, or use the address:"
    new "Öffnen Sie diese Seite in einem Browser. Scannen Sie den Code mit Ihrem Telefon oder nutzen Sie die Adresse:"

    old "the page's address"
    new "die Adresse der Seite"

    old "Copied{#sudomimus}"
    new "Kopiert"

    old "Copy the address{#sudomimus}"
    new "Adresse kopieren"

    old "I'm done{#sudomimus}"
    new "Fertig"

    old "Continue{#sudomimus}"
    new "Weiter"

    old "Time left: %d:%02d"
    new "Verbleibende Zeit: %d:%02d"

    old "Sign in first: only a player who is signed in can share something."
    new "Melden Sie sich zuerst an: Nur wer angemeldet ist, kann etwas teilen."

    old "Signing in needs a version of this game for Windows, macOS or Linux that was made with Ren'Py 8.4 or later."
    new "Für die Anmeldung ist eine Version dieses Spiels für Windows, macOS oder Linux nötig, die mit Ren'Py 8.4 oder neuer erstellt wurde."

    old "Something went wrong inside the sign-in. Please tell the game's makers."
    new "Bei der Anmeldung ist ein Fehler aufgetreten. Bitte informieren Sie die Entwickler des Spiels."

    old "Steam did not confirm who you are. Check that Steam is online and signed in, then try again."
    new "Steam hat nicht bestätigt, wer Sie sind. Prüfen Sie, ob Steam online und angemeldet ist, und versuchen Sie es dann erneut."

    old "Steam is not running. Start Steam, sign in, then try again."
    new "Steam läuft nicht. Starten Sie Steam, melden Sie sich dort an und versuchen Sie es dann erneut."

    old "The page in the browser was not finished. Start the sign-in again when you have time for it."
    new "Die Seite im Browser wurde nicht abgeschlossen. Starten Sie die Anmeldung erneut, wenn Sie Zeit dafür haben."

    old "The sign-in service cannot be reached right now. Check the internet connection, then try again."
    new "Der Anmeldedienst ist gerade nicht erreichbar. Prüfen Sie die Internetverbindung und versuchen Sie es dann erneut."

    old "The sign-in was cancelled."
    new "Die Anmeldung wurde abgebrochen."

    old "This Sudomimus account is disabled. Ask Sudomimus support."
    new "Dieses Sudomimus-Konto ist deaktiviert. Wenden Sie sich an den Support von Sudomimus."

    old "This computer is too busy to sign you in. Close other programs, then try again."
    new "Dieser Computer ist für die Anmeldung zu stark ausgelastet. Schließen Sie andere Programme und versuchen Sie es dann erneut."

    old "A file that connects this game to Steam is missing or damaged. Have Steam verify the game's files, then try again."
    new "Eine Datei, die dieses Spiel mit Steam verbindet, fehlt oder ist beschädigt. Lassen Sie Steam die Spieldateien auf Fehler überprüfen und versuchen Sie es dann erneut."

    old "This game's sign-in is not set up correctly. Please tell the game's makers."
    new "Die Anmeldung dieses Spiels ist nicht richtig eingerichtet. Bitte informieren Sie die Entwickler des Spiels."

    old "This player may not sign in to this game. If that seems wrong, ask the game's makers."
    new "Mit diesem Konto ist keine Anmeldung bei diesem Spiel möglich. Wenn Sie das für einen Irrtum halten, wenden Sie sich an die Entwickler des Spiels."

    old "You play offline for now. You will be signed in as soon as possible."
    new "Sie spielen vorerst offline. Sie werden angemeldet, sobald es möglich ist."

    old "You are signed in to your account now."
    new "Sie sind jetzt in Ihrem Konto angemeldet."
