export default function Page() {
  return <main>a page of my own</main>;
}
