/** copyText puts a text into the clipboard, and gives the words of what came of it. A page that came unencrypted has no clipboard. */
export async function copyText(text: string, done = 'Copied.'): Promise<string> {
  try {
    await navigator.clipboard.writeText(text);
    return done;
  } catch {
    return 'The browser does not let this page copy: select the text.';
  }
}
