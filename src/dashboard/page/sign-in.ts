import { byId } from './dom.ts';
import { post } from './server.ts';

/** Resolves once the key was right. It goes to the router in a body and is kept nowhere: the browser gets a cookie for it. */
export function askForKey(): Promise<void> {
  const form = byId<HTMLFormElement>('sign-in-form');
  const key = byId<HTMLInputElement>('key');
  const problem = byId('sign-in-problem');
  key.focus();
  return new Promise((resolve) => {
    form.onsubmit = async (event) => {
      event.preventDefault();
      problem.textContent = '';
      try {
        await post('sign-in', { key: key.value });
        key.value = '';
        resolve();
      } catch (error) {
        problem.textContent = (error as Error).message;
        key.select();
      }
    };
  });
}

export function bindSignOut(): void {
  byId('sign-out').onclick = async () => {
    await post('sign-out', {});
    location.reload();
  };
}
