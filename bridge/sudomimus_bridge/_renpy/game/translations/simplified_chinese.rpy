# The sign-in in Simplified Chinese. A game that calls this language otherwise gets these texts as well.

translate simplified_chinese strings:

    old "Finish in your browser{#sudomimus}"
    new "请在浏览器中完成"

    old "Signing in{#sudomimus}"
    new "正在登录"

    old "Play offline{#sudomimus}"
    new "离线游玩"

    old "You are signed in{#sudomimus}"
    new "您已登录"

    old "You are not signed in{#sudomimus}"
    new "您尚未登录"

    old "Sign in now, or play offline."
    new "立即登录，或离线游玩。"

    old "Try again{#sudomimus}"
    new "重试"

    old "Sign in{#sudomimus}"
    new "登录"

    old "One moment{#sudomimus}"
    new "请稍候"

    old "Cancel{#sudomimus}"
    new "取消"

    old "Nothing was shared{#sudomimus}"
    new "未共享任何信息"

    old "Share more with this game{#sudomimus}"
    new "与此游戏共享更多信息"

    old "A page in your browser asks what you would like to share."
    new "浏览器中的页面会询问您想共享哪些信息。"

    old "Open the page{#sudomimus}"
    new "打开页面"

    old "Never mind{#sudomimus}"
    new "以后再说"

    old "Please wait, this may take a moment"
    new "请稍候，这可能需要一点时间"

    old "A page has opened in your browser. Come back here when you are done."
    new "浏览器中已打开一个页面。完成后请回到这里。"

    old "No page in sight? Scan the code, or open this address:"
    new "没有看到页面？请扫描二维码，或打开此网址："

    old "Open this page in a browser. Scan the code with your phone, or use the address:"
    new "请在浏览器中打开此页面。可用手机扫描二维码，或使用网址："

    old "the page's address"
    new "页面网址"

    old "Copied{#sudomimus}"
    new "已复制"

    old "Copy the address{#sudomimus}"
    new "复制网址"

    old "I'm done{#sudomimus}"
    new "我已完成"

    old "Continue{#sudomimus}"
    new "继续"

    old "Time left: %d:%02d"
    new "剩余时间：%d:%02d"

    old "Sign in first: only a player who is signed in can share something."
    new "请先登录：只有已登录的玩家才能共享信息。"

    old "Signing in needs a version of this game for Windows, macOS or Linux that was made with Ren'Py 8.4 or later."
    new "登录需要以 Ren'Py 8.4 或更高版本制作的 Windows、macOS 或 Linux 版游戏。"

    old "Something went wrong inside the sign-in. Please tell the game's makers."
    new "登录过程中出错。请告知游戏开发者。"

    old "Steam did not confirm who you are. Check that Steam is online and signed in, then try again."
    new "Steam 未能确认您的身份。请检查 Steam 是否在线且已登录，然后重试。"

    old "Steam is not running. Start Steam, sign in, then try again."
    new "Steam 未运行。请启动并登录 Steam，然后重试。"

    old "The page in the browser was not finished. Start the sign-in again when you have time for it."
    new "浏览器中的页面尚未完成。请在方便时重新登录。"

    old "The sign-in service cannot be reached right now. Check the internet connection, then try again."
    new "目前无法连接登录服务。请检查网络连接，然后重试。"

    old "The sign-in was cancelled."
    new "登录已取消。"

    old "This Sudomimus account is disabled. Ask Sudomimus support."
    new "此 Sudomimus 账户已停用。请联系 Sudomimus 客服。"

    old "This computer is too busy to sign you in. Close other programs, then try again."
    new "这台电脑过于繁忙，无法登录。请关闭其他程序，然后重试。"

    old "A file that connects this game to Steam is missing or damaged. Have Steam verify the game's files, then try again."
    new "用于连接此游戏与 Steam 的文件缺失或已损坏。请通过 Steam 验证游戏文件的完整性，然后重试。"

    old "This game's sign-in is not set up correctly. Please tell the game's makers."
    new "此游戏的登录功能设置有误。请告知游戏开发者。"

    old "This player may not sign in to this game. If that seems wrong, ask the game's makers."
    new "此账户无法登录本游戏。如果您认为有误，请联系游戏开发者。"

    old "You play offline for now. You will be signed in as soon as possible."
    new "您目前处于离线游戏状态。系统会尽快为您登录。"

    old "You are signed in to your account now."
    new "您现在已登录账户。"
