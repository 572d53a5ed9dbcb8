// The first stop of the Tab key on every page: past navigation and side bar to what the page is about.
const texts = document.querySelector("[data-lc-skip]");
if (texts && !document.querySelector(".lc-skip")) {
  const link = document.createElement("button");
  link.className = "lc-skip";
  link.textContent = texts.dataset.lcSkip;
  link.addEventListener("click", () => {
    const desk = document.querySelector(".lc-desk:not([hidden])");
    const place = desk || document.querySelector("h1");
    place.tabIndex = -1;
    place.focus();
  });
  document.body.prepend(link);
}
