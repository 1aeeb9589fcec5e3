# The sign-in in Brazilian Portuguese. A game that calls this language otherwise gets these texts as well.

translate portuguese strings:

    old "Finish in your browser{#sudomimus}"
    new "Conclua no seu navegador"

    old "Signing in{#sudomimus}"
    new "Fazendo login"

    old "Play offline{#sudomimus}"
    new "Jogar offline"

    old "You are signed in{#sudomimus}"
    new "Você fez login"

    old "You are not signed in{#sudomimus}"
    new "Você não fez login"

    old "Sign in now, or play offline."
    new "Faça login agora ou jogue offline."

    old "Try again{#sudomimus}"
    new "Tentar de novo"

    old "Sign in{#sudomimus}"
    new "Fazer login"

    old "One moment{#sudomimus}"
    new "Um momento"

    old "Cancel{#sudomimus}"
    new "Cancelar"

    old "Nothing was shared{#sudomimus}"
    new "Nada foi compartilhado"

    old "Share more with this game{#sudomimus}"
    new "Compartilhar mais com este jogo"

    old "A page in your browser asks what you would like to share."
    new "Uma página no seu navegador pergunta o que você quer compartilhar."

    old "Open the page{#sudomimus}"
    new "Abrir a página"

    old "Never mind{#sudomimus}"
    new "Agora não"

    old "Please wait, this may take a moment"
    new "Aguarde, isso pode levar um momento"

    old "A page has opened in your browser. Come back here when you are done."
    new "Uma página foi aberta no seu navegador. Volte para cá quando terminar."

    old "No page in sight? Scan the code, or open this address:"
    new "Não vê nenhuma página? Escaneie o código ou abra este endereço:"

    old "Open this page in a browser. Scan the code with your phone, or use the address:"
    new "Abra esta página em um navegador. Escaneie o código com o celular ou use o endereço:"

    old "the page's address"
    new "o endereço da página"

    old "Copied{#sudomimus}"
    new "Copiado"

    old "Copy the address{#sudomimus}"
    new "Copiar o endereço"

    old "I'm done{#sudomimus}"
    new "Terminei"

    old "Continue{#sudomimus}"
    new "Continuar"

    old "Time left: %d:%02d"
    new "Tempo restante: %d:%02d"

    old "Sign in first: only a player who is signed in can share something."
    new "Faça login primeiro: só quem fez login pode compartilhar algo."

    old "Signing in needs a version of this game for Windows, macOS or Linux that was made with Ren'Py 8.4 or later."
    new "Para fazer login, é preciso ter uma versão deste jogo para Windows, macOS ou Linux criada com o Ren'Py 8.4 ou mais recente."

    old "Something went wrong inside the sign-in. Please tell the game's makers."
    new "Algo deu errado no login. Avise os criadores do jogo."

    old "Steam did not confirm who you are. Check that Steam is online and signed in, then try again."
    new "O Steam não confirmou quem você é. Verifique se o Steam está online e com a sua conta conectada e tente de novo."

    old "Steam is not running. Start Steam, sign in, then try again."
    new "O Steam não está aberto. Abra o Steam, faça login e tente de novo."

    old "The page in the browser was not finished. Start the sign-in again when you have time for it."
    new "A página no navegador não foi concluída. Inicie o login de novo quando tiver tempo."

    old "The sign-in service cannot be reached right now. Check the internet connection, then try again."
    new "O serviço de login está inacessível no momento. Verifique a conexão com a internet e tente de novo."

    old "The sign-in was cancelled."
    new "O login foi cancelado."

    old "This Sudomimus account is disabled. Ask Sudomimus support."
    new "Esta conta Sudomimus está desativada. Fale com o suporte da Sudomimus."

    old "This computer is too busy to sign you in. Close other programs, then try again."
    new "Este computador está ocupado demais para fazer o login. Feche outros programas e tente de novo."

    old "A file that connects this game to Steam is missing or damaged. Have Steam verify the game's files, then try again."
    new "Um arquivo que conecta este jogo ao Steam está ausente ou danificado. Verifique a integridade dos arquivos do jogo no Steam e tente de novo."

    old "This game's sign-in is not set up correctly. Please tell the game's makers."
    new "O login deste jogo não está configurado corretamente. Avise os criadores do jogo."

    old "This player may not sign in to this game. If that seems wrong, ask the game's makers."
    new "Esta conta não pode fazer login neste jogo. Se achar que isso é um engano, fale com os criadores do jogo."

    old "You play offline for now. You will be signed in as soon as possible."
    new "Por enquanto, você joga offline. O login será feito assim que possível."

    old "You are signed in to your account now."
    new "O login na sua conta foi concluído."
