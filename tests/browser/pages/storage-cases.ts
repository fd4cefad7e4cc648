/** Runs contract cases inside a page or worker and reports by name, so that the Node.js side can show each as a test of its own. */

export interface CaseResult {
  readonly name: string
  /** undefined = passed. */
  readonly error?: string
}

export async function runCases<Case extends { readonly name: string }>(
  cases: readonly Case[],
  run: (one: Case, index: number) => Promise<void>,
): Promise<CaseResult[]> {
  const results: CaseResult[] = []
  for (const [index, one] of cases.entries()) {
    try {
      await run(one, index)
      results.push({ name: one.name })
    } catch (error) {
      results.push({ name: one.name, error: error instanceof Error ? `${error.message} ${error.stack ?? ''}` : String(error) })
    }
  }
  return results
}
