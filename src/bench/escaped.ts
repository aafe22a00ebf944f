/** A text for HTML. Addresses in messages stay readable, but the page shall not look as if it loaded anything. */
export function escaped(text: string): string {
  const plain = text.replaceAll(/https?:\/\//g, '');
  return plain.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
