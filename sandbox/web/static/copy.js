// Buttons that copy a snippet. They are hidden where there is no script.
document.querySelectorAll("button.copy").forEach((button) => {
  const words = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {  // no permission, or no secure context: select it, so that the keyboard can copy it
      getSelection().selectAllChildren(source);
      document.execCommand("copy");
    }
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = words; }, 1500);
  });
});
