/** The name that routers give their process, those of 0.3.2 too: scripts look for it to end them (`pkill -f sglang::router`). */
export const PROCESS_NAME = 'sglang::router';

/** The words of a command line without keys and passwords: those after a flag that is named like one, and those within a URL. */
export function withoutSecrets(words: readonly string[]): string[] {
  let hiding = false;
  return words.map((word) => {
    if (/^--?[a-z]/i.test(word)) {
      hiding = namesSecret(word);
      const [name = ''] = word.split('=', 1);
      return name !== word && namesSecret(name) ? `${name}=***` : withoutPassword(word);
    }
    return hiding ? '***' : withoutPassword(word);
  });
}

function withoutPassword(word: string): string {
  return word.replace(/\/\/[^/\s]*@/, '//***@');
}

/** By its last word: `--max-total-tokens` and `--tokenizer-path` name none. */
function namesSecret(flag: string): boolean {
  return /[-_](?:keys?|(?<!per[-_])token|secrets?|passw\w*|passphrase)$/i.test(flag);
}
