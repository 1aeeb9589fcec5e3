# The sign-in in Japanese. A game that calls this language otherwise gets these texts as well.

translate japanese strings:

    old "Finish in your browser{#sudomimus}"
    new "ブラウザで続けてください"

    old "Signing in{#sudomimus}"
    new "サインインしています"

    old "Play offline{#sudomimus}"
    new "オフラインで遊ぶ"

    old "You are signed in{#sudomimus}"
    new "サインイン済みです"

    old "You are not signed in{#sudomimus}"
    new "サインインしていません"

    old "Sign in now, or play offline."
    new "サインインするか、オフラインで遊べます。"

    old "Try again{#sudomimus}"
    new "もう一度試す"

    old "Sign in{#sudomimus}"
    new "サインイン"

    old "One moment{#sudomimus}"
    new "お待ちください"

    old "Cancel{#sudomimus}"
    new "キャンセル"

    old "Nothing was shared{#sudomimus}"
    new "何も共有されませんでした"

    old "Share more with this game{#sudomimus}"
    new "このゲームとさらに情報を共有する"

    old "A page in your browser asks what you would like to share."
    new "ブラウザのページで、共有する情報を選べます。"

    old "Open the page{#sudomimus}"
    new "ページを開く"

    old "Never mind{#sudomimus}"
    new "やめておく"

    old "Please wait, this may take a moment"
    new "お待ちください。少し時間がかかることがあります"

    old "A page has opened in your browser. Come back here when you are done."
    new "ブラウザでページを開きました。終わったら、ここに戻ってきてください。"

    old "No page in sight? Scan the code, or open this address:"
    new "ページが見当たらない場合は、QR コードを読み取るか、このアドレスを開いてください："

    old "Open this page in a browser. Scan the code with your phone, or use the address:"
    new "ブラウザでこのページを開いてください。スマートフォンで QR コードを読み取るか、このアドレスを使ってください："

    old "the page's address"
    new "ページのアドレス"

    old "Copied{#sudomimus}"
    new "コピーしました"

    old "Copy the address{#sudomimus}"
    new "アドレスをコピー"

    old "I'm done{#sudomimus}"
    new "完了しました"

    old "Continue{#sudomimus}"
    new "続ける"

    old "Time left: %d:%02d"
    new "残り時間：%d:%02d"

    old "Sign in first: only a player who is signed in can share something."
    new "先にサインインしてください。共有するにはサインインが必要です。"

    old "Signing in needs a version of this game for Windows, macOS or Linux that was made with Ren'Py 8.4 or later."
    new "サインインするには、Ren'Py 8.4 以降で作られた Windows、macOS、Linux 版のゲームが必要です。"

    old "Something went wrong inside the sign-in. Please tell the game's makers."
    new "サインイン中に問題が起きました。ゲームの制作者にお知らせください。"

    old "Steam did not confirm who you are. Check that Steam is online and signed in, then try again."
    new "Steam で本人確認ができませんでした。Steam がオンラインでサインイン済みか確かめて、もう一度お試しください。"

    old "Steam is not running. Start Steam, sign in, then try again."
    new "Steam が起動していません。Steam を起動してサインインし、もう一度お試しください。"

    old "The page in the browser was not finished. Start the sign-in again when you have time for it."
    new "ブラウザのページでの手続きが完了していません。時間のあるときに、もう一度サインインしてください。"

    old "The sign-in service cannot be reached right now. Check the internet connection, then try again."
    new "現在、サインインサービスに接続できません。インターネット接続を確かめて、もう一度お試しください。"

    old "The sign-in was cancelled."
    new "サインインはキャンセルされました。"

    old "This Sudomimus account is disabled. Ask Sudomimus support."
    new "この Sudomimus アカウントは無効です。Sudomimus のサポートにお問い合わせください。"

    old "This computer is too busy to sign you in. Close other programs, then try again."
    new "このパソコンの負荷が高いため、サインインできません。ほかのプログラムを閉じて、もう一度お試しください。"

    old "A file that connects this game to Steam is missing or damaged. Have Steam verify the game's files, then try again."
    new "このゲームを Steam に接続するファイルが見つからないか、壊れています。Steam でゲームファイルの整合性を確認し、もう一度お試しください。"

    old "This game's sign-in is not set up correctly. Please tell the game's makers."
    new "このゲームのサインインは正しく設定されていません。ゲームの制作者にお知らせください。"

    old "This player may not sign in to this game. If that seems wrong, ask the game's makers."
    new "このアカウントではこのゲームにサインインできません。誤りだと思われる場合は、ゲームの制作者にお問い合わせください。"

    old "You play offline for now. You will be signed in as soon as possible."
    new "今はオフラインでプレイできます。可能になりしだい、サインインします。"

    old "You are signed in to your account now."
    new "アカウントにサインインしました。"
