import { type Finding, ok, problem, type Subject } from './check.ts';
import { hubFolder, placeOfModel } from './model-files.ts';
import { lookAtModel } from './weights.ts';

/** Whether the servers can read the model, as far as files tell; nothing is asked of the network. */
export async function checkModel({ launch, env }: Subject): Promise<readonly Finding[]> {
  const { sim, modelPath } = launch;
  if (sim) return [ok('not needed with --sim')];
  if (modelPath === undefined) return [ok('none was named: with --model-path it is looked at too')];
  const place = placeOfModel(modelPath, env);
  switch (place.kind) {
    case 'missing':
      return [
        problem(`${modelPath}: there is no such file or folder`, 'check --model-path; ~ is for the shell to replace'),
      ];
    case 'hub':
      return [hubFinding(modelPath, env)];
    default:
      return [await filesFinding(modelPath, place.path, place.kind === 'cached')];
  }
}

async function filesFinding(modelPath: string, path: string, cached: boolean): Promise<Finding> {
  const files = await lookAtModel(path);
  const where = cached ? `${modelPath} (${path})` : modelPath;
  if ('problem' in files) {
    const again = cached ? `download it again: rm -r ${path} first` : 'check the files and who may read them';
    return problem(`${where} cannot be loaded: ${files.problem}`, again, { path });
  }
  const { weights, bytes } = files;
  const text = `${where}: ${weights} ${weights === 1 ? 'file' : 'files'} of weights, ${(bytes / 1e9).toFixed(1)} GB`;
  return ok(text, { path, weights, bytes });
}

function hubFinding(modelPath: string, env: NodeJS.ProcessEnv): Finding {
  const offline = ['HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE'].find((name) =>
    /^(?:1|true|yes|on)$/i.test(env[name] ?? ''),
  );
  const text = `${modelPath} is neither a folder here nor in ${hubFolder(env)}`;
  if (offline === undefined) return ok(`${text}: it is downloaded at the first start`);
  return problem(`${text}, and ${offline} forbids to download it`, `unset ${offline}, or check --model-path`);
}
