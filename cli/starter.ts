/** The files of `ark init`. Without an API key they run on the built-in scripted model server. */
const TEAM = `# A team of two agents: one finds facts, the other writes. Run it once:
#   ark run team.yaml --input topic=owls
# or keep it running and fire its webhook:
#   ark up
#   ark trigger event/on-request --data '{"topic": "owls"}' --wait
apiVersion: arkonis.dev/v1alpha1
kind: ArkTeam
metadata:
  name: writers
spec:
  inputs:
    - name: topic
      required: true
  roles:
    - name: research
      model: gpt-4o-mini
      systemPrompt: You find facts and name your sources.
    - name: write
      model: gpt-4o-mini
      systemPrompt: You write short, friendly articles.
  pipeline:
    - role: research
      inputs:
        prompt: "Find three facts about {{ .input.topic }}."
    - role: write
      dependsOn: [research]
      inputs:
        facts: "{{ .steps.research.output }}"
        task: "Write one paragraph about {{ .input.topic }}."
  output: "{{ .steps.write.output }}"
  timeoutSeconds: 300
  maxTokens: 20000
---
apiVersion: arkonis.dev/v1alpha1
kind: ArkEvent
metadata:
  name: on-request
spec:
  source:
    type: webhook
  targets:
    - team: writers
`;

const README = `# An Ark project

    ark validate team.yaml
    ark run team.yaml --input topic=owls
    ark up

Set OPENAI_API_KEY (or OPENAI_BASE_URL for a server of your own) to use a real model.
`;

export const STARTER_FILES: Readonly<Record<string, string>> = {
  "team.yaml": TEAM,
  "README.md": README,
  ".gitignore": ".ark/\n",
};
