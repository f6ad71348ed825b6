export declare function documentedRequests(packageFolder: string): string[];
