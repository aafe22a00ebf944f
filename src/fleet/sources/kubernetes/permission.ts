/** A user that the API server did not allow something, as its message names it. */
const SERVICE_ACCOUNT = /User "system:serviceaccount:([^:"]+):([^"]+)"/;
const USER = /User "([^"]+)"/;

const NAME = 'sglang-router-discovery';

/** The manifest that gives whoever `refusal` is about what discovery needs: to list and watch pods. */
export function permissionFor(refusal: string, namespace: string | undefined): string {
  const scope = namespace === undefined ? 'ClusterRole' : 'Role';
  const metadata = `metadata: {name: ${NAME}${namespace === undefined ? '' : `, namespace: ${namespace}`}}`;
  return `kubectl apply -f - <<'EOF'
apiVersion: rbac.authorization.k8s.io/v1
kind: ${scope}
${metadata}
rules:
- {apiGroups: [""], resources: [pods], verbs: [list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ${scope}Binding
${metadata}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ${scope}, name: ${NAME}}
subjects:
- ${subjectIn(refusal)}
EOF`;
}

function subjectIn(refusal: string): string {
  const [, namespace, account] = SERVICE_ACCOUNT.exec(refusal) ?? [];
  if (account !== undefined) return `{kind: ServiceAccount, name: ${account}, namespace: ${namespace}}`;
  const [, user = 'NAME'] = USER.exec(refusal) ?? [];
  return `{apiGroup: rbac.authorization.k8s.io, kind: User, name: ${JSON.stringify(user)}}`;
}
