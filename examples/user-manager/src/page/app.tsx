import { useState } from "react";
import { Company } from "./company.js";

const COMPANIES = ["default", "Globe", "Old Vic"];

export function App() {
  const [company, setCompany] = useState("default");
  return (
    <main className="page">
      {/* Another company is another actor: nothing that the page knew of the last one is kept. */}
      <Company key={company} name={company}>
        <nav className="row" aria-label="Companies">
          {COMPANIES.map((name) => (
            <button
              key={name}
              type="button"
              className="chip"
              aria-pressed={name === company}
              onClick={() => setCompany(name)}
            >
              {name}
            </button>
          ))}
        </nav>
      </Company>
    </main>
  );
}
