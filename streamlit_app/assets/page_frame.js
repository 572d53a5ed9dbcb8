// What every page has around it. First a way past navigation and side bar, at the first press of Tab.
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

// Light or dark is set on Streamlit's main element; what opens over the page is not part of it.
const app = document.querySelector('[data-testid="stApp"]');
const follow = () => {
  document.documentElement.style.colorScheme = getComputedStyle(app).colorScheme;
};
new MutationObserver(follow).observe(app, { attributeFilter: ["class"] });
follow();
