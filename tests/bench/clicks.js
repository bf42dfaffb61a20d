// Times a click from the moment it is made to the last thing that the page changes because of it.
window.bench = (() => {
    const QUIET_MS = 300, UNSEEN_MS = 900;  // a short script may have run before anybody could see it run
    let at = null, last = null, ran = false;
    const app = () => document.querySelector('[data-testid="stApp"]');
    const running = () => app().dataset.testScriptState !== 'notRunning';
    // A search begins with the Enter key.
    for (const kind of ['pointerdown', 'mousedown', 'keydown'])
        document.addEventListener(kind, event => {
            if (kind !== 'keydown' || event.key === 'Enter') at = at ?? performance.now();
        }, true);
    new MutationObserver(changes => {
        if (at === null) return;
        if (running()) ran = true;
        // What a canvas holds is read to the blind, some time after it was drawn, and never seen.
        const apart = '[data-testid="stStatusWidget"], canvas';
        const counts = change => !(change.target.closest ? change.target : change.target.parentElement)?.closest(apart);
        if (changes.some(counts)) last = performance.now();
    }).observe(document.body, {attributes: true, childList: true, characterData: true, subtree: true});
    return {
        arm() { at = last = null; ran = false; },
        settled: longest => new Promise((resolve, reject) => {
            const begun = performance.now();
            const look = () => {
                const now = performance.now();
                const busy = running() || document.querySelector('[data-testid="stStatusWidget"] [data-testid="stStatusWidgetRunningIcon"]');
                if (last !== null && !busy && now - last > (ran ? QUIET_MS : UNSEEN_MS)) resolve(last - at);
                else if (now - begun > longest) reject(`not settled: clicked ${at !== null}, ran ${ran}, busy ${busy}`);
                else setTimeout(look, 20);
            };
            look();
        }),
    };
})();
