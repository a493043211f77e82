// For pages that show embeds: each frame becomes as tall as what it shows. Load it once, wherever in the page:
// <script src="…/assets/embed.js" async></script>
(() => {
  const from = new URL(document.currentScript.src).origin;
  const frames = () => [...document.querySelectorAll("iframe")].filter((frame) => frame.src.startsWith(`${from}/embed/`));
  // What counts is which frame speaks: the origin of one in a sandbox is "null".
  addEventListener("message", ({ source, data }) => {
    if (data?.type !== "parley:height") return;
    const frame = frames().find((one) => one.contentWindow === source);
    const height = Math.ceil(Number(data.height));
    if (frame && height > 0 && height < 20_000) frame.height = height;
  });
  // Frames that were there before this script may have said already how tall they are. To one that is still on its way there is
  // nobody to be named.
  for (const frame of frames()) frame.contentWindow?.postMessage({ type: "parley:measure" }, "*");
})();
